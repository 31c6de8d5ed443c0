//! DivideMix without one of its parts, and with losses averaged over epochs.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[allow(dead_code, reason = "shared with other tests")]
mod clouds;

use std::sync::atomic::AtomicBool;

use clouds::{Clouds, bits, networks, quick};
use dividemix::{Ablation, Checkpoints, Event, Hyperparameters, Method, Outcome, Schedule, train};

fn without(ablation: Option<Ablation>) -> Hyperparameters {
    Hyperparameters { ablation, ..quick(Method::DivideMix) }
}

fn run(clouds: &Clouds, hyper: &Hyperparameters, checkpoints: Option<&Checkpoints>) -> (Vec<u32>, Outcome) {
    let networks = networks(hyper.networks(), hyper.seed);
    let (data, test, stop) = (clouds.training_set(), clouds.test_set(), AtomicBool::new(false));
    let observe = &mut |_: Event| Ok(());
    let outcome = train(&networks, &data, Some(&test), None, hyper, checkpoints, &stop, observe).unwrap();
    (networks.iter().flat_map(|network| bits(network.as_ref())).collect(), outcome)
}

const ABLATIONS: [Ablation; 4] =
    [Ablation::CoTraining, Ablation::Refinement, Ablation::OtherDivision, Ablation::MixMatch];

#[test]
fn each_part_that_is_left_out_makes_another_network() {
    let clouds = Clouds::new(400, 0.4, 5);
    let mut seen = vec![run(&clouds, &without(None), None).0];
    for ablation in ABLATIONS {
        let hyper = without(Some(ablation));
        assert_eq!(hyper.networks(), if ablation == Ablation::CoTraining { 1 } else { 2 });
        let (bits, outcome) = run(&clouds, &hyper, None);
        assert!(outcome.last_accuracy().unwrap() > 0.8, "{ablation:?}: {:?}", outcome.last_accuracy());
        assert!(!seen.contains(&bits), "{ablation:?} does something of its own");
        seen.push(bits);
    }
}

/// From warm-up alone there is one epoch of losses to average: the first epoch with a division is the same, and the next is not.
#[test]
fn averaged_losses_begin_with_the_first_division() {
    let clouds = Clouds::new(400, 0.4, 5);
    let averaged = |epochs, loss_average| {
        let hyper = Hyperparameters { epochs, loss_average, ..without(None) };
        run(&clouds, &hyper, None).0
    };
    assert!(averaged(3, 1) == averaged(3, 5));
    assert!(averaged(4, 1) != averaged(4, 5));
}

#[test]
fn averaged_losses_are_kept_in_checkpoints() {
    let clouds = Clouds::new(200, 0.3, 5);
    // The rate does not depend on the number of epochs.
    let hyper = Hyperparameters { loss_average: 3, epochs: 7, schedule: Schedule::Constant, ..without(None) };
    let (alone, _) = run(&clouds, &hyper, None);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), 1);
    run(&clouds, &Hyperparameters { epochs: 5, ..hyper.clone() }, Some(&checkpoints));
    let (gone_on, _) = run(&clouds, &hyper, Some(&checkpoints));
    assert!(gone_on == alone);
}
