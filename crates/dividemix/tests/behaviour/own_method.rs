//! A method of a user's own in the loop: the example, small.

#[path = "../../examples/own_method.rs"]
mod example;

use std::sync::Arc;

use dividemix::{Checkpoints, Error, Hyperparameters, Method, MethodKind, Training};
use example::SmallLoss;

use crate::gaussian_blobs::{GaussianBlobs, networks, quick};

#[test]
fn the_example_finds_the_wrong_labels() {
    let (accuracy, found) = example::run(16, |_| ()).unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
    assert!(found > 0.9, "{found}");
}

#[test]
fn an_own_method_s_facts_are_checked_as_any_other_s() {
    let of = |hyper: Hyperparameters| hyper.check_for(Arc::new(SmallLoss));
    assert_eq!(of(quick(MethodKind::Ce)).unwrap().strength(), SmallLoss.strength().unwrap().usual);
    let refused = |hyper, field| matches!(of(hyper), Err(Error::Setting { name, .. }) if name == field);
    assert!(refused(Hyperparameters { strength: Some(1.5), ..quick(MethodKind::Ce) }, "strength"));
    assert!(refused(Hyperparameters { warmup: 0, ..quick(MethodKind::Ce) }, "warmup"));
}

#[test]
fn an_own_method_s_checkpoint_is_its_own() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let folder = tempfile::tempdir().unwrap();
    let (data, checkpoints) = (blobs.training_set(), Checkpoints::new(folder.path(), 1));
    let settings = Hyperparameters { epochs: 3, ..quick(MethodKind::Ce) };
    let own = settings.check_for(Arc::new(SmallLoss)).unwrap();
    Training::new(&networks(1, 3), &data, &own).checkpoints(&checkpoints).run(|_| Ok(())).unwrap();
    let ce = settings.check().unwrap();
    let refused = Training::new(&networks(1, 3), &data, &ce).checkpoints(&checkpoints).run(|_| Ok(()));
    assert!(refused.unwrap_err().to_string().contains("method small-loss"));
}
