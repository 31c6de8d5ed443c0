//! Noise at random, which depends on the true class.

use rand::Rng;

use super::draw::touched;
use super::transition::Transition;
use crate::error::{Result, check_labels};

/// The labels after noise: those of exactly `int(rate * N)` samples are drawn anew, each from its class's row of `transition`.
///
/// With [`Transition::cifar10`] or [`Transition::pair_flip`] `rate` is the published noise rate (a class that maps to
/// itself stays clean); with a full matrix of noise probabilities it is 1.
///
/// # Errors
/// [`crate::Error::OutOfRange`] for a rate outside `0..=1`; [`crate::Error::Label`] for a label that has no row.
pub fn asymmetric<R: Rng + ?Sized>(
    labels: &[usize],
    transition: &Transition,
    rate: f64,
    rng: &mut R,
) -> Result<Vec<usize>> {
    check_labels(labels, transition.classes())?;
    let mut noisy = labels.to_vec();
    for sample in touched(labels.len(), rate, rng)? {
        noisy[sample] = transition.draw(labels[sample], rng);
    }
    Ok(noisy)
}
