//! Samples whose label is known to be right.

use dividemix::{Checkpoints, Error, Hyperparameters, MethodKind, Network, Outcome, Training, TrainingSet};

use crate::gaussian_blobs::{GaussianBlobs, all_bits, networks_for, quick};

/// Trains, and gives the networks with what they found.
fn run(data: &TrainingSet, hyper: &Hyperparameters) -> (Vec<Box<dyn Network>>, Outcome) {
    let hyper = hyper.check().unwrap();
    let networks = networks_for(&hyper);
    let outcome = Training::new(&networks, data, &hyper).run(|_| Ok(())).unwrap();
    (networks, outcome)
}

/// The training set with these samples sure.
fn with_sure(blobs: &GaussianBlobs, is_sure: impl Fn(usize) -> bool) -> TrainingSet {
    let data = blobs.training_set();
    TrainingSet { sure: Some((0..data.labels.len()).map(is_sure).collect()), ..data }
}

#[test]
fn a_sure_label_is_clean_for_certain_though_the_networks_contradict_it() {
    let blobs = GaussianBlobs::new(300, 0.3, 5);
    let hyper = quick(MethodKind::DivideMix);
    let (_, without) = run(&blobs.training_set(), &hyper);
    // All that the networks find wrong, and so would be relabelled.
    let doubted: Vec<bool> = without.clean_probability.iter().map(|p| *p < 0.5).collect();
    assert!(doubted.iter().filter(|doubted| **doubted).count() > 30);
    let (_, found) = run(&with_sure(&blobs, |i| doubted[i]), &hyper);
    let sure = found.clean_probability.iter().zip(&doubted).filter(|(_, doubted)| **doubted);
    assert!(sure.clone().count() > 30 && sure.clone().all(|(p, _)| *p == 1.0));
}

#[test]
fn labels_of_which_none_is_sure_are_labels_of_which_nothing_is_known() {
    let blobs = GaussianBlobs::new(150, 0.3, 5);
    for method in [MethodKind::DivideMix, MethodKind::Relabel, MethodKind::Joint, MethodKind::Reweight] {
        let hyper = quick(method);
        let bits = |data: &TrainingSet| all_bits(&run(data, &hyper).0);
        let plain = bits(&blobs.training_set());
        assert!(bits(&with_sure(&blobs, |_| false)) == plain, "{method:?}");
        assert!(bits(&with_sure(&blobs, |i| i % 2 == 0)) != plain, "{method:?} looks at what is sure");
    }
}

#[test]
fn labels_that_are_all_sure_are_never_replaced() {
    let blobs = GaussianBlobs::new(150, 0.3, 5);
    let data = with_sure(&blobs, |_| true);
    let (plain, _) = run(&data, &quick(MethodKind::Ce));
    let (relabelled, _) = run(&data, &quick(MethodKind::Relabel));
    assert!(all_bits(&relabelled) == all_bits(&plain));
}

#[test]
fn a_checkpoint_does_not_go_on_with_other_sure_labels() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let hyper = Hyperparameters { epochs: 3, ..quick(MethodKind::DivideMix) }.check().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), 1);
    let go_on = |data: &TrainingSet| {
        Training::new(&networks_for(&hyper), data, &hyper).checkpoints(&checkpoints).run(|_| Ok(()))
    };
    go_on(&with_sure(&blobs, |i| i < 10)).unwrap();
    go_on(&with_sure(&blobs, |i| i < 10)).unwrap();
    for other in [blobs.training_set(), with_sure(&blobs, |i| i < 11)] {
        let message = go_on(&other).unwrap_err().to_string();
        assert!(message.contains("other samples or labels"), "{message}");
    }
    let short = TrainingSet { sure: Some(vec![true; 3]), ..blobs.training_set() };
    assert!(matches!(go_on(&short), Err(Error::Data(problem)) if problem.contains("sure")));
}
