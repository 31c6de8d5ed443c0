//! The work of a training: the views that Algorithm 1 puts through the networks, counted before anything is trained.

use std::ops::{Add, Mul};

use crate::Hyperparameters;
use crate::batches::{number, samples_in};

/// Numbers of views that go through networks, by the kind of pass.
///
/// The numbers follow from the sizes of the sets and of the batches. Only the size of the labeled set depends on the
/// losses: it has to be given, or guessed ([`TYPICAL_CLEAN_SHARE`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Trained on in plain steps (warm-up, line 2): forward and backward, a batch at a time.
    pub plain: usize,
    /// Trained on in DivideMix's steps (lines 23 to 27): M views of the labeled batch and, where it is used, of the unlabeled one
    /// together, forward and backward.
    pub mixed: usize,
    /// Predicted before that by the network itself (lines 17 and 20): forward, in training mode.
    pub guessed: usize,
    /// Predicted before that by its peer (line 20): forward, in evaluation mode.
    pub peer: usize,
    /// Evaluated after the epoch: the training set for the next division, and the test set.
    pub evaluated: usize,
    /// Mixtures of losses fitted (line 4 and 5).
    pub fits: usize,
}

/// Share of the samples that divisions keep as labeled, where nothing is known of the labels: between the mean over the runs with half of
/// the labels wrong (0.47) and with fewer wrong ones (0.67), nearer to the latter, as real sets are
/// (docs/benchmarks/notebook/2026-11-28-frozen-defaults.md).
pub const TYPICAL_CLEAN_SHARE: f64 = 0.65;

impl Work {
    /// A network's pass over `n` samples by plain training.
    pub fn plain_pass(n: usize) -> Self {
        Self { plain: n, ..Self::default() }
    }

    /// A network's pass by DivideMix: as many steps as the labeled set has batches, and as many batches of the unlabeled
    /// set, which starts over when it runs out. Without mixing and with lambda_u 0 the unlabeled set is not used. A division that can't
    /// be used is trained plainly.
    pub fn dividemix_pass(labeled: usize, unlabeled: usize, hyper: &Hyperparameters) -> Self {
        if labeled < 2 || unlabeled < 2 {
            return Self::plain_pass(labeled + unlabeled);
        }
        let kept = labeled as f64 / (labeled + unlabeled) as f64;
        let steps = if hyper.uses_unlabeled(kept) { number(labeled, hyper.batch) } else { 0 };
        let u = samples_in(steps, unlabeled, hyper.batch);
        let of = |samples| hyper.augmentations * samples;
        Self {
            mixed: of(labeled + u),
            guessed: of(if hyper.refines() { labeled + u } else { u }),
            peer: if hyper.co_guesses() { of(u) } else { 0 },
            ..Self::default()
        }
    }
}

impl Add for Work {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            plain: self.plain + other.plain,
            mixed: self.mixed + other.mixed,
            guessed: self.guessed + other.guessed,
            peer: self.peer + other.peer,
            evaluated: self.evaluated + other.evaluated,
            fits: self.fits + other.fits,
        }
    }
}

impl Mul<usize> for Work {
    type Output = Self;

    fn mul(self, times: usize) -> Self {
        Self {
            plain: times * self.plain,
            mixed: times * self.mixed,
            guessed: times * self.guessed,
            peer: times * self.peer,
            evaluated: times * self.evaluated,
            fits: times * self.fits,
        }
    }
}
