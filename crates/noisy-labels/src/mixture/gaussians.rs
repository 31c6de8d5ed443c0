//! A fitted mixture and its posterior.

use serde::{Deserialize, Serialize};

/// A fitted mixture. Component 0 has the smaller mean. Means and variances are in units of the losses that it was fitted to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// The means, ascending.
    pub means: [f64; 2],
    /// The variances, `reg_covar` included.
    pub variances: [f64; 2],
    /// The weights; they sum to 1.
    pub weights: [f64; 2],
    /// Whether the fit met its tolerance within the iterations allowed. If not, this is the best fit that it passed.
    pub converged: bool,
}

impl Mixture {
    /// The posterior of the component with the smaller mean, in `0..=1`; 0 for a loss that is not finite.
    ///
    /// It is the plain posterior, as in the authors' code, so it is not monotone where the variances differ: if the
    /// component with the larger mean is wide, it takes over again far to the *left* of the clean one. A loss well
    /// below the clean mean can therefore get a lower probability than a loss at the mean. Losses are 0 or more and the clean
    /// mode is next to 0, so the effect is small, and it is left as published.
    pub fn clean_probability(&self, loss: f64) -> f64 {
        let log_density = |k: usize| {
            let distance = loss - self.means[k];
            self.weights[k].ln() - 0.5 * (self.variances[k].ln() + distance * distance / self.variances[k])
        };
        let posterior = 1.0 / (1.0 + (log_density(1) - log_density(0)).exp());
        // It is NaN where the loss is not finite, or so far from both components that its squared distance overflows.
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
