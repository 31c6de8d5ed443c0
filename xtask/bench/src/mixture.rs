//! The mixture of losses: fitted, and every loss's posterior.

use anyhow::{Result, ensure};
use effmix::files::read_npy;
use effmix_bench::{Timing, median_seconds};
use noisy_labels::division::{Divider, SampleLosses};
use noisy_labels::mixture::{MixtureSettings, NormalisedLosses};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Deserialize)]
pub(crate) struct Fit {
    losses: PathBuf,
    max_iter: u64,
    tol: f64,
    reg_covar: f64,
}

impl Fit {
    /// Fits a second; and the mixture, for comparison.
    pub(crate) fn measure(&self, timing: Timing) -> Result<(f64, Option<Value>)> {
        let (losses, _) = read_npy(&self.losses)?;
        let losses: Vec<f64> = losses.into_iter().map(f64::from).collect();
        let losses = NormalisedLosses::from_normalised(losses)?;
        let labels = vec![0; losses.len()];
        let mixture = MixtureSettings { max_iter: self.max_iter, tol: self.tol, reg_covar: self.reg_covar };
        let divider = Divider { mixture, ..Divider::default() };
        let divide = || divider.divide(SampleLosses::Normalised(&losses), &labels, 1);
        let division = divide()?;
        let mixture = division.mixture.as_ref();
        ensure!(mixture.is_some(), "the losses can't be divided: {:?}", division.degenerate);
        let found = mixture.map(|m| json!({"means": m.means, "weights": m.weights}));
        let seconds = median_seconds(timing, 3, || {
            ensure!(divide()?.clean_probability.len() == losses.len(), "a posterior for each loss");
            Ok(())
        })?;
        Ok((1.0 / seconds, found))
    }
}
