//! linfa's Gaussian mixture, with what it needs around it.
//!
//! Three things about linfa-clustering 0.8 shape this file:
//! - linfa returns an error for a fit that does not converge, and the fit is lost. But `n_runs` does not start anew: each run
//!   continues where the last one stopped, and linfa keeps the best. So this file makes the same fit again as runs of two
//!   iterations each, under an infinite tolerance, which every second iteration meets.
//! - linfa's k-means repeats ten times over all samples, and each iteration allocates a dozen arrays of their size.
//!   One-dimensional data need less: above [`REPRESENTATIVES`] losses, this file fits the means of that many equal shares of
//!   the sorted losses instead.
//! - linfa takes the logarithm of a sum of densities without care for underflow, which begins 37 standard deviations
//!   from both components. From k-means' hard start a sample is within the square root of its cluster's size. So with this
//!   many representatives and the default `reg_covar` (together: 32) no sample is that far; a tiny `reg_covar` can end in
//!   [`Degenerate::NotFitted`].

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::{GaussianMixtureModel, GmmError};
use ndarray::Array2;

use super::degenerate::Degenerate;
use super::gaussians::Mixture;
use super::normalised::{NormalisedLosses, check};
use super::representatives::representatives;
use super::settings::MixtureSettings;

/// The largest number of losses that are fitted as they are; more are represented by this many numbers. Compared with full
/// fits, means, variances and weights move by less than half a share, 2.5e-4 (a test holds this), and 50,000 losses take a
/// twentieth of the time.
const REPRESENTATIVES: usize = 2048;

/// Components whose means are closer than this, in normalised units, are one. Means are only fitted to about 1e-4, and
/// `reg_covar` gives each component a standard deviation of 2e-2.
const SAME_MEAN: f64 = 1e-3;

/// The mixture fitted to normalised losses. It is the same for any number of threads. A fit that did not converge is no error: see
/// [`Mixture::converged`].
///
/// # Errors
/// [`Degenerate`] where there are fewer than six losses, all are equal, or both components are at one mean;
/// [`Degenerate::NotFitted`] for settings that linfa refuses.
pub fn fit(losses: &NormalisedLosses, settings: &MixtureSettings) -> Result<Mixture, Degenerate> {
    let losses = losses.as_slice();
    check(losses)?;
    let mixture = if losses.len() > REPRESENTATIVES {
        expectation_maximisation(&representatives(losses, REPRESENTATIVES), settings)?
    } else {
        expectation_maximisation(losses, settings)?
    };
    let lightest = mixture.weights[0].min(mixture.weights[1]);
    let apart = mixture.means[1] - mixture.means[0] >= SAME_MEAN;
    // Half a sample is enough: a component that holds one outlier alone is still a component.
    if apart && lightest * losses.len() as f64 >= 0.5 {
        Ok(mixture)
    } else {
        Err(Degenerate::Collapsed { means: mixture.means, weights: mixture.weights })
    }
}

/// linfa's fit, also where it did not converge.
fn expectation_maximisation(losses: &[f64], settings: &MixtureSettings) -> Result<Mixture, Degenerate> {
    let not_fitted = |error: &dyn std::fmt::Display| Degenerate::NotFitted { reason: error.to_string() };
    let records = Array2::from_shape_vec((losses.len(), 1), losses.to_vec()).map_err(|e| not_fitted(&e))?;
    let data = DatasetBase::from(records);
    let parameters = GaussianMixtureModel::params(2).reg_covariance(settings.reg_covar);
    let once = parameters.clone().tolerance(settings.tol).max_n_iterations(settings.max_iter);
    let (model, converged) = match once.fit(&data) {
        Ok(model) => (model, true),
        Err(GmmError::NotConverged(_)) => {
            let pairs = (settings.max_iter / 2).max(1);
            let kept = parameters.tolerance(f64::INFINITY).max_n_iterations(2).n_runs(pairs);
            (kept.fit(&data).map_err(|e| not_fitted(&e))?, false)
        }
        Err(error) => return Err(not_fitted(&error)),
    };
    let (first, second) = if model.means()[[0, 0]] <= model.means()[[1, 0]] { (0, 1) } else { (1, 0) };
    let mixture = Mixture {
        means: [model.means()[[first, 0]], model.means()[[second, 0]]],
        variances: [model.covariances()[[first, 0, 0]], model.covariances()[[second, 0, 0]]],
        weights: [model.weights()[first], model.weights()[second]],
        converged,
    };
    let numbers = mixture.means.iter().chain(&mixture.variances).chain(&mixture.weights);
    if numbers.into_iter().all(|v| v.is_finite()) && mixture.variances.iter().all(|&v| v > 0.0) {
        Ok(mixture)
    } else {
        Err(Degenerate::NotFitted { reason: format!("the fit gave {mixture:?}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    const HALF_A_SHARE: f64 = 0.5 / REPRESENTATIVES as f64;

    /// Normalised losses of `n` samples: the squares of uniform numbers, and for every `every`-th sample a loss in a mode around
    /// `centre`.
    fn losses(n: usize, every: usize, centre: f64, width: f64) -> NormalisedLosses {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut loss = |i: usize| {
            let u: f64 = rng.random_range(-1.0..1.0);
            if i.is_multiple_of(every) { (centre + width * u).max(0.0) } else { 0.3 * u * u }
        };
        let raw: Vec<f64> = (0..n).map(&mut loss).collect();
        let largest = raw.iter().copied().fold(0.0, f64::max);
        NormalisedLosses::from_normalised(raw.iter().map(|loss| loss / largest).collect()).unwrap()
    }

    #[test]
    fn representatives_give_the_fit_of_all_losses() {
        let settings = MixtureSettings { max_iter: 2000, tol: 1e-10, ..MixtureSettings::default() };
        for (every, centre, width) in
            [(2, 1.5, 0.4), (3, 0.5, 0.6), (10, 1.5, 0.8), (51, 1.5, 0.8), (51, 1.0, 0.9)]
        {
            let losses = losses(20_000, every, centre, width);
            let all = expectation_maximisation(losses.as_slice(), &settings).unwrap();
            let few = fit(&losses, &settings).unwrap();
            let pairs = [(all.means, few.means), (all.variances, few.variances), (all.weights, few.weights)];
            let off = pairs.iter().flat_map(|(a, b)| [(a[0] - b[0]).abs(), (a[1] - b[1]).abs()]);
            let largest = off.fold(0.0, f64::max);
            assert!(largest < HALF_A_SHARE, "{largest}: {all:?} {few:?}");
        }
    }
}
