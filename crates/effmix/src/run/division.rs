//! `division.json`: each network's last mixture of losses, with the histogram of the losses that it was fitted to.

use std::path::Path;

use dividemix::{FittedMixture, Outcome};
use serde::Serialize;

use crate::Result;
use crate::files::write_atomic;

/// Bins of the histogram, of equal width over 0..1.
const BINS: usize = 50;

/// The mixture of one network's losses, min-max normalised: all figures are in these units.
#[derive(Debug, Serialize)]
struct Division {
    /// The network whose losses these are, counted from 1.
    network: usize,
    /// Means of the components, ascending; null where the losses could not be divided.
    means: Option<[f64; 2]>,
    /// Standard deviations of the components, in the same order.
    deviations: Option<[f64; 2]>,
    /// Weights of the components, in the same order.
    weights: Option<[f64; 2]>,
    /// Training samples by their loss: bin i of n holds the losses from i / n to (i + 1) / n.
    histogram: Vec<u64>,
    /// Samples whose loss is in no bin, because it is not finite.
    not_finite: u64,
}

impl Division {
    fn new(network: usize, fitted: &FittedMixture) -> Self {
        let mut histogram = vec![0; BINS];
        let mut not_finite = 0;
        for loss in &fitted.losses {
            match loss.is_finite() {
                true => histogram[((loss.clamp(0.0, 1.0) * BINS as f64) as usize).min(BINS - 1)] += 1,
                false => not_finite += 1,
            }
        }
        let mixture = fitted.mixture.as_ref();
        Self {
            network,
            means: mixture.map(|m| m.means),
            deviations: mixture.map(|m| m.variances.map(f64::sqrt)),
            weights: mixture.map(|m| m.weights),
            histogram,
            not_finite,
        }
    }
}

/// Writes the last division of each network.
pub(super) fn write_divisions(path: &Path, outcome: &Outcome) -> Result<()> {
    let divisions: Vec<Division> =
        outcome.mixtures.iter().zip(1..).map(|(fitted, network)| Division::new(network, fitted)).collect();
    write_atomic(path, |out| {
        serde_json::to_writer_pretty(&mut *out, &divisions)?;
        out.write_all(b"\n")
    })
}
