//! The work of epochs and of a whole training, from the method's own count.

use crate::{CheckedHyperparameters, Phase, Work};

impl Work {
    /// An epoch of all networks (`epoch` from 0) on `n` samples, with `test` samples to test on, where divisions keep
    /// the share `clean` as labeled. Draws ([`crate::Hyperparameters::epoch_images`]) count as whole: they have fewer samples where a
    /// class has.
    pub fn epoch(hyper: &CheckedHyperparameters, epoch: usize, n: usize, test: usize, clean: f64) -> Self {
        let phase = if epoch < hyper.warmup { Phase::WarmUp } else { Phase::Train };
        let trained = hyper.method().work(hyper, phase, hyper.images_an_epoch(n), clean);
        trained + Self { evaluated: hyper.networks() * (n + test), ..Self::default() }
    }

    /// The epochs from `first` (from 0) to the last, and the division after it.
    pub fn training(hyper: &CheckedHyperparameters, first: usize, n: usize, test: usize, clean: f64) -> Self {
        let last = Self { fits: hyper.networks(), ..Self::default() };
        (first..hyper.epochs).fold(last, |sum, epoch| sum + Self::epoch(hyper, epoch, n, test, clean))
    }
}
