//! `division.json`: each network's last mixture of losses, with the histogram of the losses that it was fitted to.

use super::open;
use crate::{Error, Result};
use serde::Deserialize;
use std::path::Path;

/// A network's losses at the end, min-max normalised, and the mixture that was fitted to them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Division {
    /// Counted from 1.
    pub(crate) network: usize,
    /// Of the components, the smaller mean first. `None` where the losses could not be divided.
    pub(crate) means: Option<[f64; 2]>,
    /// Standard deviations, in the same order.
    pub(crate) deviations: Option<[f64; 2]>,
    /// Weights, in the same order.
    pub(crate) weights: Option<[f64; 2]>,
    /// Samples by loss, in bins of equal width over 0..1.
    pub(crate) histogram: Vec<u64>,
    /// Samples whose loss is in no bin.
    pub(crate) not_finite: u64,
}

impl Division {
    /// Bin `i` holds the losses from `i` to `i + 1` times this.
    pub(crate) fn bin_width(&self) -> f64 {
        1.0 / self.histogram.len().max(1) as f64
    }

    /// The samples of each component that a bin around `loss` is expected to hold: n w h N(loss; mean, deviation), with n samples, the
    /// component's weight w and the bin's width h. `None` where there is no mixture.
    pub(crate) fn expected(&self, loss: f64) -> Option<[f64; 2]> {
        let (means, deviations, weights) = (self.means?, self.deviations?, self.weights?);
        let samples = self.histogram.iter().sum::<u64>() as f64;
        Some(std::array::from_fn(|component| {
            let deviation = deviations[component].max(f64::MIN_POSITIVE);
            let standardised = (loss - means[component]) / deviation;
            let density =
                (-0.5 * standardised * standardised).exp() / (deviation * std::f64::consts::TAU.sqrt());
            samples * weights[component] * self.bin_width() * density
        }))
    }
}

/// One a network, in order; none where there is no such file.
pub(super) fn read(path: &Path) -> Result<Vec<Division>> {
    let Some(file) = open(path)? else { return Ok(Vec::new()) };
    let divisions: Vec<Division> = serde_json::from_reader(file).map_err(|error| match error.is_io() {
        true => Error::read(path)(error.into()),
        false => Error::content(path, Some(error.line() as u64), error),
    })?;
    Ok(divisions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expected_samples_of_all_bins_are_all_samples() {
        let division = Division {
            network: 1,
            means: Some([0.3, 0.6]),
            deviations: Some([0.05, 0.08]),
            weights: Some([0.75, 0.25]),
            histogram: vec![4; 50],
            not_finite: 0,
        };
        let sums = (0..50).fold([0.0, 0.0], |[small, large], bin| {
            let [s, l] = division.expected((f64::from(bin) + 0.5) / 50.0).unwrap();
            [small + s, large + l]
        });
        assert!((sums[0] - 150.0).abs() < 0.1 && (sums[1] - 50.0).abs() < 0.1, "{sums:?}");
        assert_eq!(Division { weights: None, ..division }.expected(0.5), None);
    }
}
