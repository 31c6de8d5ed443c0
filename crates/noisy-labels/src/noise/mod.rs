//! Wrong labels: made, by each of the three models, and measured or estimated.
//!
//! | model | labels go wrong | here |
//! |---|---|---|
//! | completely at random | whatever image and true class | [`symmetric`] |
//! | at random | by the true class | [`asymmetric`] with a [`Transition`]: CIFAR's published ones, pair flip, any matrix |
//! | not at random | by the image too | [`InstanceNoise`] by its features, [`confused`] as a network confuses it |
//!
//! All take a seeded generator and give the same labels for the same seed. A noise *rate* r touches exactly
//! `int(r N)` samples, as in the reference code, not each with probability r; where a model is published otherwise, it says
//! so. A label touched is not always wrong afterwards; [`noise_rate`] and [`LabelNoise`] measure what came out.
//!
//! Rate 0 gives the same labels. A class without samples, and a set without samples, are no error anywhere.

mod asymmetric;
mod cifar;
mod confused;
mod instance;
mod inverse;
mod joint;
mod measured;
mod streams;
mod symmetric;
mod transition;

pub use asymmetric::asymmetric;
pub use confused::confused;
pub use instance::InstanceNoise;
pub use joint::{EstimationError, LabelNoise};
pub use measured::{measured_transition, noise_rate};
pub use symmetric::symmetric;
pub use transition::Transition;

use rand::Rng;
use rand::seq::SliceRandom;

use crate::error::{Error, Result};

/// How many samples noise of this rate touches: `int(rate * samples)`.
fn count(samples: usize, rate: f64) -> Result<usize> {
    if !(0.0..=1.0).contains(&rate) {
        return Err(Error::OutOfRange { name: "noise rate", value: rate, range: "in 0..=1" });
    }
    // Truncated as Python's int() does: 0.29 of 100 is 28.999.. and so 28.
    Ok((rate * samples as f64) as usize)
}

/// The samples that noise of this rate touches, in random order.
fn touched<R: Rng + ?Sized>(samples: usize, rate: f64, rng: &mut R) -> Result<Vec<usize>> {
    let count = count(samples, rate)?;
    let mut order: Vec<usize> = (0..samples).collect();
    let (chosen, _) = order.partial_shuffle(rng, count);
    Ok(chosen.to_vec())
}

/// Checks that a label can be wrong.
fn needs_wrong_classes(classes: usize) -> Result<()> {
    if classes < 2 {
        return Err(Error::OutOfRange {
            name: "number of classes",
            value: classes as f64,
            range: "2 at least for a label to be wrong",
        });
    }
    Ok(())
}

/// A class, drawn by weights of this sum; `None` where none is above 0.
fn pick<R: Rng + ?Sized>(
    weights: impl Iterator<Item = (usize, f64)>,
    sum: f64,
    rng: &mut R,
) -> Option<usize> {
    let mut left = sum * rng.random::<f64>();
    let mut last = None;
    for (class, weight) in weights.filter(|&(_, weight)| weight > 0.0) {
        last = Some(class);
        if left < weight {
            break;
        }
        left -= weight;
    }
    // Rounding may leave a rest after the last weight that is not 0: it is that class's.
    last
}
