//! The two-component Gaussian mixture of per-sample losses (Arazo et al. 2019; DivideMix, section 3.1).
//!
//! Networks fit clean labels first, so the losses of clean and of wrong labels form two heaps; the component with the
//! smaller mean is the clean one, and a sample's posterior of it is the probability that its label is clean.
//!
//! The fit is linfa's expectation maximisation, started from k-means. See `fit.rs` for what it needs around it.

mod degenerate;
mod fit;
mod representatives;

use serde::{Deserialize, Serialize};

pub use degenerate::Degenerate;
pub(crate) use fit::check;
pub use fit::fit;

/// How the mixture is fitted. Losses are taken to be min-max normalised, which `reg_covar` refers to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MixtureSettings {
    /// Iterations of expectation maximisation at most.
    pub max_iter: u64,
    /// The mean log-likelihood's change below which the fit has converged, in nats.
    pub tol: f64,
    /// Added to each variance, against components that shrink to a point.
    pub reg_covar: f64,
}

impl Default for MixtureSettings {
    /// To convergence: within 1e-4 of the optimum's means (ten iterations at 1e-2 are up to 5e-2 off), with the
    /// authors' `reg_covar`.
    fn default() -> Self {
        Self { max_iter: 200, tol: 1e-6, reg_covar: 5e-4 }
    }
}

impl MixtureSettings {
    /// The settings of the authors' code (LiJunnan1992/DivideMix, `Train_cifar.py`): ten iterations at most, tolerance
    /// 1e-2.
    pub fn as_published() -> Self {
        Self { max_iter: 10, tol: 1e-2, reg_covar: 5e-4 }
    }
}

/// A fitted mixture; component 0 has the smaller mean. Means and variances are in the units of the losses given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// Means, ascending.
    pub means: [f64; 2],
    /// Variances, `reg_covar` included.
    pub variances: [f64; 2],
    /// Weights; they sum to 1.
    pub weights: [f64; 2],
    /// Whether the tolerance was met within the iterations allowed. Where not, this is the best fit on the way.
    pub converged: bool,
}

impl Mixture {
    /// The posterior of the component with the smaller mean, in `0..=1`; 0 for a loss that is not finite.
    ///
    /// It is the plain posterior, as in the authors' code, so it is not monotone where the variances differ: if the
    /// component with the larger mean is wide, it takes over again far to the *left* of the clean one. A loss well
    /// below the clean mean can therefore get a lower probability than one at the mean. With losses of 0 and more, and
    /// the clean heap next to 0, this stays a small effect, and it is left as published.
    pub fn clean_probability(&self, loss: f64) -> f64 {
        let log_density = |k: usize| {
            let distance = loss - self.means[k];
            self.weights[k].ln() - 0.5 * (self.variances[k].ln() + distance * distance / self.variances[k])
        };
        let posterior = 1.0 / (1.0 + (log_density(1) - log_density(0)).exp());
        // NaN: the loss is no number, or so far from both components that its squared distance overflows.
        if posterior.is_nan() { 0.0 } else { posterior }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_posterior_is_bayes_rule() {
        let m = Mixture { means: [0.1, 0.6], variances: [0.01, 0.04], weights: [0.7, 0.3], converged: true };
        for loss in [-0.5, 0.0, 0.1, 0.33, 0.4, 1.0] {
            let density = |k: usize| {
                m.weights[k] / (2.0 * std::f64::consts::PI * m.variances[k]).sqrt()
                    * f64::exp(-(loss - m.means[k]).powi(2) / (2.0 * m.variances[k]))
            };
            let slow = density(0) / (density(0) + density(1));
            assert!((m.clean_probability(loss) - slow).abs() < 1e-14, "{loss}");
        }
    }

    #[test]
    fn no_loss_gives_a_probability_outside_its_range() {
        let m = Mixture { means: [0.1, 0.6], variances: [5e-4, 5e-4], weights: [1.0, 0.0], converged: true };
        for loss in [f64::MIN, -1e200, -1.0, 0.0, 1.0, 1e200, f64::MAX] {
            assert!(
                (0.0..=1.0).contains(&m.clean_probability(loss)),
                "{loss}: {}",
                m.clean_probability(loss)
            );
        }
        for loss in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(m.clean_probability(loss), 0.0);
        }
    }

    #[test]
    fn far_left_of_a_narrow_clean_component_the_wide_one_takes_over() {
        let m = Mixture { means: [0.3, 0.5], variances: [5e-4, 0.05], weights: [0.5, 0.5], converged: true };
        assert!(m.clean_probability(0.3) > 0.8 && m.clean_probability(0.0) < 0.01);
    }
}
