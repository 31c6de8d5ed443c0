//! Dropout of single values, and of whole images' branches (stochastic depth).
//!
//! ```text
//! y = x m / (1 - rate)        dx = dy m / (1 - rate)        m = 0 with probability rate, else 1
//! ```
//!
//! m comes from the seed alone, one draw a value (dropout: Srivastava et al., 2014) or one an image
//! (drop path: Huang et al., "Deep networks with stochastic depth", arXiv 1603.09382; EfficientNet's
//! drop connect).

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rand::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::channels::{self, ChannelMap, Rows};
use crate::dispatch::level;
use crate::elementwise::{self, Map};
use crate::error::shape_error;
use crate::simd::Simd;
use crate::{Error, host};

/// Sets each value to 0 with probability `rate`, and multiplies the others by 1 / (1 - rate).
///
/// # Shapes
/// Any shape, to the same shape.
///
/// # Errors
/// If `rate` is not in [0, 1), or `x` is not f32 on the CPU.
pub fn dropout(x: &Tensor, rate: f64, seed: u64) -> Result<Tensor> {
    const OP: &str = "dropout";
    check_rate(OP, rate)?;
    if rate == 0.0 {
        return Ok(x.clone());
    }
    x.contiguous()?.apply_op1(Drop { name: OP, factors: factors(x.elem_count(), rate, seed), images: false })
}

/// Sets all of an image to 0 with probability `rate`, and multiplies the others by 1 / (1 - rate).
///
/// # Shapes
/// `x` [N, .., C], to the same.
///
/// # Errors
/// If `x` has less than two dimensions, `rate` is not in [0, 1), or `x` is not f32 on the CPU.
pub fn drop_path(x: &Tensor, rate: f64, seed: u64) -> Result<Tensor> {
    const OP: &str = "drop_path";
    check_rate(OP, rate)?;
    if x.rank() < 2 {
        return Err(shape_error(OP, &[("x", x.dims())], "x [N, .., C]"));
    }
    if rate == 0.0 || x.elem_count() == 0 {
        return Ok(x.clone());
    }
    let shape = Rows::by_image(x.dims());
    let factors = DropPath { rate, seed }.factors(shape.groups, shape.channels);
    x.contiguous()?.apply_op1(Drop { name: OP, factors, images: true })
}

/// What drops an image's branch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropPath {
    /// Probability of an image to lose the branch, in [0, 1).
    pub rate: f64,
    /// Decides which.
    pub seed: u64,
}

impl DropPath {
    pub(crate) fn check(&self, op: &'static str) -> Result<()> {
        check_rate(op, self.rate)
    }

    /// [images, channels]: 0 or 1 / (1 - rate), the same for each channel of an image.
    pub(crate) fn factors(&self, images: usize, channels: usize) -> Vec<f32> {
        let images = factors(images, self.rate, self.seed);
        images.iter().flat_map(|factor| std::iter::repeat_n(*factor, channels)).collect()
    }
}

fn check_rate(op: &'static str, rate: f64) -> Result<()> {
    if (0.0..1.0).contains(&rate) {
        return Ok(());
    }
    Err(Error::Setting { op, setting: "rate", value: rate, range: "at least 0 and below 1" }.into())
}

/// 0 or 1 / (1 - rate), `n` times: 0 where a uniform draw is below the rate.
///
/// A uniform f64 is the upper 53 bits of a draw times 2^-53, so these bits are compared, as a number, with the rate times
/// 2^53. Which value it is can't be foreseen, so there is no branch on it: with one, this took a fifth of a head's training.
fn factors(n: usize, rate: f64, seed: u64) -> Vec<f32> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let kept = ((1.0 / (1.0 - rate)) as f32).to_bits();
    let below = (rate * (1u64 << 53) as f64).ceil() as u64;
    let factor = |bits: u64| f32::from_bits(kept & u32::from(bits >> 11 < below).wrapping_sub(1));
    (0..n).map(|_| factor(random.next_u64())).collect()
}

struct Drop {
    name: &'static str,
    /// A value each, or one for each channel of each image.
    factors: Vec<f32>,
    images: bool,
}

impl Drop {
    fn apply(&self, x: &[f32], dims: &[usize]) -> Vec<f32> {
        if self.images {
            channels::map(level(), Rows::by_image(dims), [x], [&self.factors], Times)
        } else {
            elementwise::map(level(), [x, &self.factors], Times)
        }
    }
}

/// (x, factor) -> x factor.
#[derive(Clone, Copy)]
pub(crate) struct Times;

impl Map<2> for Times {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [x, factor]: [S::F; 2]) -> S::F {
        s.mul(x, factor)
    }
}

impl ChannelMap<1, 1> for Times {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [x]: [S::F; 1], [factor]: [S::F; 1]) -> S::F {
        s.mul(x, factor)
    }
}

impl CustomOp1 for Drop {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let y = self.apply(host::floats(self.name, x, layout)?, layout.dims());
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dx = host::read(self.name, [dy], |[dy]| Ok(self.apply(dy, x.dims())))?;
        host::tensor(dx, x.shape()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn a_value_is_dropped_where_a_uniform_draw_is_below_the_rate() {
        for rate in [0.2, 0.125, 1e-9, 0.999] {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
            let kept = (1.0 / (1.0 - rate)) as f32;
            let slow: Vec<f32> =
                (0..5000).map(|_| if random.random::<f64>() < rate { 0.0 } else { kept }).collect();
            assert_eq!(factors(5000, rate, 5), slow, "{rate}");
        }
    }
}
