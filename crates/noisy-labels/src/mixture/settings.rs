//! How a mixture is fitted.

use serde::{Deserialize, Serialize};

/// The settings of a fit. `reg_covar` is in squared units of the normalised losses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MixtureSettings {
    /// The largest number of iterations of expectation maximisation.
    pub max_iter: u64,
    /// The fit has converged where the mean log-likelihood changes by less than this, in nats.
    pub tol: f64,
    /// The number added to each variance, so that no component shrinks to a point.
    pub reg_covar: f64,
}

impl Default for MixtureSettings {
    /// Settings that reach convergence: the means are within 1e-4 of the optimum's (with ten iterations at a tolerance of 1e-2
    /// they are up to 5e-2 off). `reg_covar` is the authors'.
    fn default() -> Self {
        Self { max_iter: 200, tol: 1e-6, reg_covar: 5e-4 }
    }
}

impl MixtureSettings {
    /// The settings of the authors' code (LiJunnan1992/DivideMix, `Train_cifar.py`): ten iterations at most, a tolerance of
    /// 1e-2.
    pub fn as_published() -> Self {
        Self { max_iter: 10, tol: 1e-2, reg_covar: 5e-4 }
    }
}
