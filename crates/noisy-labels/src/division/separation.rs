//! How far apart the two modes of a mixture are.

use crate::mixture::Mixture;

/// Two modes are apart where Ashman's D is above this (Ashman, Bird & Zepf 1994, "Detecting bimodality in astronomical
/// datasets"). A skewed distribution with one mode that is split in two (exponential, lognormal, gamma) stays below 1.8.
const APART: f64 = 2.0;

/// Whether the mixture's two modes are apart.
pub(super) fn modes_are_apart(mixture: &Mixture) -> bool {
    ashman_d(mixture) > APART
}

/// Ashman's D: the distance of the means in standard deviations, sqrt(2) |m1 - m2| / sqrt(v1 + v2).
fn ashman_d(mixture: &Mixture) -> f64 {
    let [low, high] = mixture.means;
    (high - low) * (2.0 / (mixture.variances[0] + mixture.variances[1])).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two components of equal variance that are `d` standard deviations apart; powers of 2, so that D is exact.
    fn mixture(d: f64) -> Mixture {
        let deviation = 0.125;
        Mixture {
            means: [0.25, 0.25 + d * deviation],
            variances: [deviation * deviation; 2],
            weights: [0.5; 2],
            converged: true,
        }
    }

    #[test]
    fn ashman_s_d_of_equal_variances_is_the_distance_in_standard_deviations() {
        assert_eq!(ashman_d(&mixture(3.0)), 3.0);
        let unequal = Mixture { variances: [0.01, 0.03], ..mixture(1.0) };
        assert!((ashman_d(&unequal) - 2f64.sqrt() * 0.125 / 0.04f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn modes_at_a_distance_of_two_standard_deviations_are_not_apart() {
        assert!(!modes_are_apart(&mixture(2.0)));
        assert!(modes_are_apart(&mixture(2.0 + 1e-9)));
    }
}
