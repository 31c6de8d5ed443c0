//! The trait of methods: all that the loop has to know of a way to train on labels that may be wrong.

use noisy_labels::division::Division;

use crate::supervised::cross_entropy_epoch;
use crate::{Error, Hyperparameters, Losses, NetworkEpoch, Phase, Result, Work};

/// Range of a method's strength, from 0 (plain training).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strength {
    /// The default.
    pub usual: f64,
    /// The largest value allowed.
    pub most: f64,
}

/// The things that the loop prepares for a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// A division of the samples before each epoch, given to [`Method::epoch`].
    pub division: bool,
    /// The probability of each label for each true class, estimated at the end of warm-up ([`NetworkEpoch::transition`]).
    pub transition: bool,
    /// Each sample's predictions, averaged over the epochs so far, warm-up included ([`NetworkEpoch::mean_predictions`]).
    pub mean_predictions: bool,
    /// A teacher's logits of the samples ([`crate::TrainingSet::teacher`]).
    pub teacher: bool,
    /// At least one epoch of warm-up.
    pub warm_up: bool,
}

/// A way to train on labels that may be wrong: what one network does in one epoch, and what the loop must know to prepare it.
///
/// The thirteen methods of this crate are values of this trait ([`crate::MethodKind::method`]). A method of your own is given
/// to the loop by [`Hyperparameters::check_for`]; `examples/own_method.rs` shows one.
pub trait Method: Send + Sync {
    /// The method's name, which checkpoints keep: a run goes on with the method that began it.
    fn name(&self) -> &str;

    /// Number of networks that the loop keeps for the method. [`Method::epoch`] is called for each of them.
    fn networks(&self, hyper: &Hyperparameters) -> usize {
        let _ = hyper;
        1
    }

    /// Range and default of [`Hyperparameters::strength`]; `None` where the method has no strength.
    fn strength(&self) -> Option<Strength> {
        None
    }

    /// The things that the loop prepares for the method at this strength.
    fn needs(&self, strength: f64) -> Needs {
        let _ = strength;
        Needs::default()
    }

    /// Checks the settings for this method, beyond their ranges. The default refuses an ablation, which is of
    /// DivideMix alone.
    ///
    /// # Errors
    /// [`Error::Setting`].
    fn check(&self, hyper: &Hyperparameters) -> Result<()> {
        refuse_ablation(hyper)
    }

    /// The work of all networks in an epoch on `samples` samples, of which a division would keep the share `clean` as
    /// labeled. The default is that of plain training.
    fn work(&self, hyper: &Hyperparameters, phase: Phase, samples: usize, clean: f64) -> Work {
        let _ = (phase, clean);
        Work::plain_pass(samples) * self.networks(hyper)
    }

    /// Trains a network through an epoch of warm-up, and returns the epoch's mean losses. The default is plain training, for
    /// methods that build on what the network has learned.
    ///
    /// # Errors
    /// When training diverges, a sample can't be read, or the caller stops it.
    fn warm_up(&self, pass: &mut NetworkEpoch<'_>) -> Result<Losses> {
        cross_entropy_epoch(pass)
    }

    /// Trains a network through an epoch after warm-up, and returns the epoch's mean losses. `division` is the one made for
    /// this network, where [`Needs::division`] asks for it.
    ///
    /// # Errors
    /// When training diverges, a sample can't be read, or the caller stops it.
    fn epoch(&self, pass: &mut NetworkEpoch<'_>, division: Option<&Division>) -> Result<Losses>;
}

/// Refuses an ablation for a method that is not DivideMix.
pub(crate) fn refuse_ablation(hyper: &Hyperparameters) -> Result<()> {
    match hyper.ablation {
        None => Ok(()),
        Some(_) => Err(Error::Setting {
            name: "ablation",
            problem: "is for `method` dividemix alone: it leaves out a part of DivideMix".to_owned(),
        }),
    }
}
