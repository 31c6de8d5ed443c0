//! How much work a training is: what Algorithm 1 puts through the networks, counted before anything is trained.

use std::ops::{Add, Mul};

use crate::batches::sizes;
use crate::{Hyperparameters, Method};

/// Views through networks, by what is done to them.
///
/// All of it follows from the sizes of the sets and of the batches, but for the size of the labeled set, which the
/// losses decide: it has to be told, or guessed ([`TYPICAL_CLEAN_SHARE`]).
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

/// Share of the samples that divisions keep as labeled, where nothing is known of the labels. Means over the runs of
/// docs/benchmarks.md with a frozen body: 0.43 with half of the labels wrong, 0.67 with 17.5 %, 0.73 with 9.2 %. Real sets are
/// rather like the latter.
pub const TYPICAL_CLEAN_SHARE: f64 = 0.65;

impl Work {
    /// A network's pass over `n` samples by plain training.
    pub fn plain_pass(n: usize) -> Self {
        Self { plain: n, ..Self::default() }
    }

    /// A network's pass by DivideMix: as many steps as the labeled set has batches, and as many batches of the unlabeled
    /// set, which starts over when it runs out; or none of it, without mixing and with lambda_u 0. A division that can't be used is
    /// trained plainly.
    pub fn dividemix_pass(labeled: usize, unlabeled: usize, hyper: &Hyperparameters) -> Self {
        if labeled < 2 || unlabeled < 2 {
            return Self::plain_pass(labeled + unlabeled);
        }
        let kept = labeled as f64 / (labeled + unlabeled) as f64;
        let steps = if hyper.uses_unlabeled(kept) { sizes(labeled, hyper.batch).len() } else { 0 };
        let u: usize = sizes(unlabeled, hyper.batch).into_iter().cycle().take(steps).sum();
        let of = |samples| hyper.augmentations * samples;
        Self {
            mixed: of(labeled + u),
            guessed: of(if hyper.refines() { labeled + u } else { u }),
            peer: if hyper.co_guesses() { of(u) } else { 0 },
            ..Self::default()
        }
    }

    /// An epoch of all networks (`epoch` from 0) on `n` samples, with `test` samples to test on, where divisions keep
    /// the share `clean` as labeled. Draws ([`Hyperparameters::epoch_images`]) count as whole: they have fewer samples where a class has.
    pub fn epoch(hyper: &Hyperparameters, epoch: usize, n: usize, test: usize, clean: f64) -> Self {
        let networks = hyper.networks();
        let evaluated = Self { evaluated: networks * (n + test), ..Self::default() };
        let warm = epoch >= hyper.warmup;
        let drawn = hyper.images_an_epoch(n);
        let labeled = (clean.clamp(0.0, 1.0) * drawn as f64).round() as usize;
        let trained = match hyper.method {
            Method::DivideMix if warm => {
                Self { fits: 1, ..Self::dividemix_pass(labeled, drawn - labeled, hyper) } * networks
            }
            // The teacher evaluates a view of each sample, once it is asked.
            Method::Consistency => {
                Self { evaluated: if warm { drawn } else { 0 }, ..Self::plain_pass(drawn) }
            }
            Method::Reweight if warm => Self { fits: 1, ..Self::plain_pass(drawn) },
            _ => Self::plain_pass(drawn) * networks,
        };
        trained + evaluated
    }

    /// The epochs from `first` (from 0) to the last, and the division after it.
    pub fn training(hyper: &Hyperparameters, first: usize, n: usize, test: usize, clean: f64) -> Self {
        let last = Self { fits: hyper.networks(), ..Self::default() };
        (first..hyper.epochs).fold(last, |sum, epoch| sum + Self::epoch(hyper, epoch, n, test, clean))
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
