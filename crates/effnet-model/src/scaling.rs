//! Compound scaling: depth, width and resolution raised, or lowered, together.
//!
//! d = alpha^phi, w = beta^phi, r = gamma^phi, where alpha beta^2 gamma^2 is about 2, so that the cost grows as
//! 2^phi (Tan & Le, arXiv 1905.11946, equation 3).
//!
//! The published members are not quite that. Their coefficients are rounded, B1 is not wider than B0, and from B4 on they are
//! larger than the phi at which the paper's cost would be reached (depth, width, resolution: the phi that alone gives the
//! published coefficient, by the paper's bases 1.2, 1.1 and 1.15; a test works them out):
//!
//! | | phi | d: alpha^phi, published, its phi | w: beta^phi, published, its phi | r 224: published, its phi |
//! |---|---|---|---|---|
//! | B1 | 0.5 | 1.10, 1.1, 0.52 | 1.05, 1.0, 0.00 | 240: 240, 0.49 |
//! | B2 | 1 | 1.20, 1.2, 1.00 | 1.10, 1.1, 1.00 | 258: 260, 1.07 |
//! | B3 | 2 | 1.44, 1.4, 1.85 | 1.21, 1.2, 1.91 | 296: 300, 2.09 |
//! | B4 | 3 | 1.73, 1.8, 3.22 | 1.33, 1.4, 3.53 | 341: 380, 3.78 |
//! | B5 | 4 | 2.07, 2.2, 4.32 | 1.46, 1.6, 4.93 | 392: 456, 5.09 |
//! | B6 | 5 | 2.49, 2.6, 5.24 | 1.61, 1.8, 6.17 | 451: 528, 6.14 |
//! | B7 | 6 | 2.99, 3.1, 6.21 | 1.77, 2.0, 7.27 | 518: 600, 7.05 |

use serde::{Deserialize, Serialize};

/// The bases of compound scaling.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bases {
    /// The base of depth.
    pub alpha: f64,
    /// The base of width.
    pub beta: f64,
    /// The base of resolution.
    pub gamma: f64,
}

impl Bases {
    /// The bases that the paper's search found (section 4).
    pub const PAPER: Self = Self { alpha: 1.2, beta: 1.1, gamma: 1.15 };

    /// alpha beta^2 gamma^2: by how much the cost of a convolution grows with each whole phi. About 2, says the constraint.
    pub fn cost_factor(&self) -> f64 {
        self.alpha * self.beta.powi(2) * self.gamma.powi(2)
    }
}

/// Channels come in multiples of this (the reference implementation's `depth_divisor`).
const DIVISOR: f64 = 8.0;

/// A layer count that differs from an integer by less is that integer: 1.1 * 10 is 11, not 11.000000000000002.
const FLOAT_NOISE: f64 = 1e-6;

/// Coefficients that multiply B0's width, depth and resolution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// Factor w of the number of channels.
    pub width: f64,
    /// Factor d of the number of layers in a stage.
    pub depth: f64,
    /// Factor r of the side of the input images.
    pub resolution: f64,
}

impl Scaling {
    /// B0 itself.
    pub const ONE: Self = Self { width: 1.0, depth: 1.0, resolution: 1.0 };

    /// The coefficients at `phi`. Any real `phi`: below zero the members are smaller than B0.
    ///
    /// ```
    /// use effnet_model::{Bases, Scaling};
    /// assert_eq!(Scaling::from_phi(0.0, Bases::PAPER), Scaling::ONE);
    /// ```
    pub fn from_phi(phi: f64, Bases { alpha, beta, gamma }: Bases) -> Self {
        Self { width: beta.powf(phi), depth: alpha.powf(phi), resolution: gamma.powf(phi) }
    }

    /// Channels: w * `base` to the nearest multiple of 8, at least 8, and never more than a tenth below the exact
    /// value.
    pub fn channels(&self, base: usize) -> usize {
        let exact = self.width * base as f64;
        let rounded = ((exact + DIVISOR / 2.0) / DIVISOR).floor() * DIVISOR;
        let rounded = rounded.max(DIVISOR);
        let channels = if rounded < 0.9 * exact { rounded + DIVISOR } else { rounded };
        channels as usize
    }

    /// Layers of a stage: d * `base`, rounded up, at least one.
    pub fn layers(&self, base: usize) -> usize {
        (self.depth * base as f64 - FLOAT_NOISE).ceil().max(1.0) as usize
    }

    /// Side of the input in pixels: r * `base`, to the nearest.
    pub fn size(&self, base: usize) -> usize {
        (self.resolution * base as f64).round().max(1.0) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn width(width: f64) -> Scaling {
        Scaling { width, ..Scaling::ONE }
    }

    #[test]
    fn channels_go_to_the_nearest_multiple_of_eight_but_not_a_tenth_below() {
        assert_eq!(width(1.1).channels(32), 32, "35.2 -> 32, above 0.9 * 35.2 = 31.7");
        assert_eq!(width(1.2).channels(32), 40, "38.4 -> 40");
        assert_eq!(width(1.1).channels(16), 16, "17.6 -> 16, above 15.84");
        assert_eq!(width(0.7).channels(16), 16, "11.2 -> 8, below 10.08, so 16");
        assert_eq!(width(0.01).channels(16), 8, "never below 8");
    }

    #[test]
    fn layers_are_rounded_up_and_float_noise_is_no_layer() {
        let depth = |depth| Scaling { depth, ..Scaling::ONE };
        assert_eq!(depth(1.1).layers(10), 11, "1.1 * 10 is 11.000000000000002 in f64");
        assert_eq!(depth(3.1).layers(4), 13);
        assert_eq!(depth(1.1).layers(1), 2);
        assert_eq!(depth(0.1).layers(4), 1);
    }

    #[test]
    fn the_papers_bases_double_the_cost() {
        let cost = Bases::PAPER.cost_factor();
        assert!((cost - 2.0).abs() < 0.1, "alpha beta^2 gamma^2 = {cost}");
    }

    #[test]
    fn phi_below_zero_scales_down_and_phi_of_one_gives_the_bases() {
        let one = Scaling::from_phi(1.0, Bases::PAPER);
        assert_eq!(one, Scaling { width: 1.1, depth: 1.2, resolution: 1.15 });
        assert_eq!(one.size(224), 258, "224 * 1.15 = 257.6");
        let small = Scaling::from_phi(-3.0, Bases::PAPER);
        assert_eq!(small.channels(1280), 960, "1280 / 1.331 = 961.7");
        assert_eq!((small.layers(4), small.size(224)), (3, 147));
    }
}
