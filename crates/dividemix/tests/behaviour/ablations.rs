//! DivideMix without one of its parts, and with losses averaged over epochs.
use dividemix::{Ablation, Checkpoints, Hyperparameters, MethodKind, Outcome, Schedule, Training};

use crate::gaussian_blobs::{GaussianBlobs, all_bits, networks_for, quick};

fn without(ablation: Option<Ablation>) -> Hyperparameters {
    Hyperparameters { ablation, ..quick(MethodKind::DivideMix) }
}

fn run(
    blobs: &GaussianBlobs,
    hyper: &Hyperparameters,
    checkpoints: Option<&Checkpoints>,
) -> (Vec<u64>, Outcome) {
    let (hyper, data, test) = (hyper.check().unwrap(), blobs.training_set(), blobs.test_set());
    let networks = networks_for(&hyper);
    let training = Training::new(&networks, &data, &hyper).test(&test).checkpoints(checkpoints);
    let outcome = training.run(|_| Ok(())).unwrap();
    (all_bits(&networks), outcome)
}

const ABLATIONS: [Ablation; 4] =
    [Ablation::CoTraining, Ablation::Refinement, Ablation::OtherDivision, Ablation::MixMatch];

#[test]
fn each_part_that_is_left_out_makes_another_network() {
    let blobs = GaussianBlobs::new(400, 0.4, 5);
    let mut seen = vec![run(&blobs, &without(None), None).0];
    for ablation in ABLATIONS {
        let hyper = without(Some(ablation));
        assert_eq!(hyper.check().unwrap().networks(), if ablation == Ablation::CoTraining { 1 } else { 2 });
        let (bits, outcome) = run(&blobs, &hyper, None);
        assert!(outcome.last_accuracy().unwrap() > 0.8, "{ablation:?}: {:?}", outcome.last_accuracy());
        assert!(!seen.contains(&bits), "{ablation:?} does something of its own");
        seen.push(bits);
    }
}

/// From warm-up alone there is one epoch of losses to average: the first epoch with a division is the same, and the next is not.
#[test]
fn averaged_losses_begin_with_the_first_division() {
    let blobs = GaussianBlobs::new(400, 0.4, 5);
    let averaged = |epochs, loss_average| {
        let hyper = Hyperparameters { epochs, loss_average, ..without(None) };
        run(&blobs, &hyper, None).0
    };
    assert!(averaged(3, 1) == averaged(3, 5));
    assert!(averaged(4, 1) != averaged(4, 5));
}

#[test]
fn averaged_losses_are_kept_in_checkpoints() {
    let blobs = GaussianBlobs::new(200, 0.3, 5);
    // The rate does not depend on the number of epochs.
    let hyper = Hyperparameters { loss_average: 3, epochs: 7, schedule: Schedule::Constant, ..without(None) };
    let (alone, _) = run(&blobs, &hyper, None);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), 1);
    run(&blobs, &Hyperparameters { epochs: 5, ..hyper.clone() }, Some(&checkpoints));
    let (gone_on, _) = run(&blobs, &hyper, Some(&checkpoints));
    assert!(gone_on == alone);
}
