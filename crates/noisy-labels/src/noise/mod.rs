//! Wrong labels, made: the noise models that methods are measured on.
//!
//! All take a seeded generator and give the same labels for the same seed. A noise *rate* r touches exactly
//! `int(r N)` samples, as in the reference code, not each with probability r. A label touched is not always wrong
//! afterwards; [`noise_rate`] measures what came out.

mod asymmetric;
mod measured;
mod symmetric;
mod transition;

pub use asymmetric::asymmetric;
pub use measured::{measured_transition, noise_rate};
pub use symmetric::symmetric;
pub use transition::Transition;

use rand::Rng;
use rand::seq::SliceRandom;

use crate::error::{Error, Result};

/// The samples that noise of this rate touches: `int(rate * samples)` of them, in random order.
fn touched<R: Rng + ?Sized>(samples: usize, rate: f64, rng: &mut R) -> Result<Vec<usize>> {
    if !(0.0..=1.0).contains(&rate) {
        return Err(Error::OutOfRange { name: "noise rate", value: rate, range: "in 0..=1" });
    }
    // Truncated as Python's int() does: 0.29 of 100 is 28.999.. and so 28.
    let count = (rate * samples as f64) as usize;
    let mut order: Vec<usize> = (0..samples).collect();
    let (chosen, _) = order.partial_shuffle(rng, count);
    Ok(chosen.to_vec())
}
