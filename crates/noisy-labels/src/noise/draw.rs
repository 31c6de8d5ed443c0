//! The draws that noise models share.

use rand::Rng;
use rand::seq::SliceRandom;

use crate::error::{Error, Result};

/// The number of samples whose label noise of this rate draws anew: `int(rate * samples)`.
pub(super) fn count(samples: usize, rate: f64) -> Result<usize> {
    if !(0.0..=1.0).contains(&rate) {
        return Err(Error::OutOfRange { name: "noise rate", value: rate, range: "in 0..=1" });
    }
    // It is truncated as by Python's int(): 0.29 of 100 is 28.999.. and so 28.
    Ok((rate * samples as f64) as usize)
}

/// The samples whose label noise of this rate draws anew, in random order.
pub(super) fn touched<R: Rng + ?Sized>(samples: usize, rate: f64, rng: &mut R) -> Result<Vec<usize>> {
    let count = count(samples, rate)?;
    let mut order: Vec<usize> = (0..samples).collect();
    let (chosen, _) = order.partial_shuffle(rng, count);
    Ok(chosen.to_vec())
}

/// Checks that there is a class beside the true one.
pub(super) fn needs_wrong_classes(classes: usize) -> Result<()> {
    if classes < 2 {
        return Err(Error::OutOfRange {
            name: "number of classes",
            value: classes as f64,
            range: "at least 2 for a label to be wrong",
        });
    }
    Ok(())
}

/// A class, drawn by weights that have this sum; `None` where no weight is above 0.
pub(super) fn pick<R: Rng + ?Sized>(
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
    // Rounding may leave a rest after the last weight that is not 0; the rest belongs to that class.
    last
}
