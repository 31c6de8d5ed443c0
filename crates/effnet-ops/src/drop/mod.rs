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
use crate::{Error, by_candle, host};

/// Sets each value to 0 with probability `rate`, and multiplies the others by 1 / (1 - rate).
///
/// # Shapes
/// Any shape, to the same shape.
///
/// # Errors
/// If `rate` is not in [0, 1), or `x` is on the CPU and not f32.
pub fn dropout(x: &Tensor, rate: f64, seed: u64) -> Result<Tensor> {
    const OP: &str = "dropout";
    check_rate(OP, rate)?;
    if rate == 0.0 {
        return Ok(x.clone());
    }
    let factors = factors(x.elem_count(), rate, seed);
    if by_candle::is_wanted(x) {
        return times(x, factors, x.dims());
    }
    x.contiguous()?.apply_op1(Drop { name: OP, factors, images: false })
}

/// Sets all of an image to 0 with probability `rate`, and multiplies the others by 1 / (1 - rate).
///
/// # Shapes
/// `x` [N, .., C], to the same.
///
/// # Errors
/// If `x` has less than two dimensions, `rate` is not in [0, 1), or `x` is on the CPU and not f32.
pub fn drop_path(x: &Tensor, rate: f64, seed: u64) -> Result<Tensor> {
    const OP: &str = "drop_path";
    check_rate(OP, rate)?;
    if x.rank() < 2 {
        return Err(shape_error(OP, &[("x", x.dims())], "x [N, .., C]"));
    }
    if rate == 0.0 || x.elem_count() == 0 {
        return Ok(x.clone());
    }
    if by_candle::is_wanted(x) {
        let mut by_image = vec![1; x.rank()];
        by_image[0] = x.dims()[0];
        return times(x, factors(by_image[0], rate, seed), &by_image);
    }
    let shape = Rows::by_image(x.dims());
    let factors = DropPath { rate, seed }.factors(shape.groups, shape.channels);
    x.contiguous()?.apply_op1(Drop { name: OP, factors, images: true })
}

/// x times factors of this shape, by candle.
fn times(x: &Tensor, factors: Vec<f32>, shape: &[usize]) -> Result<Tensor> {
    x.broadcast_mul(&Tensor::from_vec(factors, shape, x.device())?.to_dtype(x.dtype())?)
}

/// The rate of stochastic depth, and the seed of its draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropPath {
    /// Probability of an image to lose the branch, in [0, 1).
    pub rate: f64,
    /// Decides which images lose it.
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

/// Number of generators. They draw in turn, so that no draw waits for the one before.
const GENERATORS: usize = 4;

/// 0 or 1 / (1 - rate), `n` times: 0 where a uniform draw is below the rate.
///
/// A draw of 64 bits is two uniform numbers, its halves times 2^-32, the lower first; the generators take turns. A half is
/// compared, as an integer, with the rate times 2^32. The processor could not predict a branch on the result, so there is none;
/// and a turn makes an array of known length. Without both, training a head alone spends a seventh of its time here.
fn factors(n: usize, rate: f64, seed: u64) -> Vec<f32> {
    const TURN: usize = 2 * GENERATORS;
    let mut random = generators(seed);
    let kept = ((1.0 / (1.0 - rate)) as f32).to_bits();
    let below = (rate * (1u64 << 32) as f64).ceil() as u64;
    let factor = |half: u64| f32::from_bits(kept & u32::from(half < below).wrapping_sub(1));
    let mut factors = Vec::with_capacity(n + TURN);
    while factors.len() < n {
        let drawn = random.each_mut().map(Xoshiro256PlusPlus::next_u64);
        let halves: [u64; TURN] =
            std::array::from_fn(|i| drawn[i / 2] >> (32 * (i % 2)) & u64::from(u32::MAX));
        factors.extend_from_slice(&halves.map(factor));
    }
    factors.truncate(n);
    factors
}

/// Generators whose sequences are parts of one sequence, far apart.
fn generators(seed: u64) -> [Xoshiro256PlusPlus; GENERATORS] {
    let mut next = Xoshiro256PlusPlus::seed_from_u64(seed);
    std::array::from_fn(|_| {
        let this = next.clone();
        next.jump();
        this
    })
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
    use super::*;

    #[test]
    fn a_value_is_dropped_where_a_uniform_draw_is_below_the_rate() {
        for rate in [0.2, 0.125, 1e-9, 0.999] {
            let mut random = generators(5);
            let kept = (1.0 / (1.0 - rate)) as f32;
            let mut slow = Vec::new();
            for i in 0..2500 {
                let bits = random[i % GENERATORS].next_u64();
                for half in [bits as u32, (bits >> 32) as u32] {
                    let uniform = f64::from(half) / 2f64.powi(32);
                    slow.push(if uniform < rate { 0.0 } else { kept });
                }
            }
            for n in [5000, 4999, 4997, 3, 0] {
                assert_eq!(factors(n, rate, 5), slow[..n], "{rate}, {n} values");
            }
        }
    }

    /// Of 2^20 values as many are dropped as a binomial distribution lets expect, within five deviations.
    #[test]
    fn the_rate_is_kept() {
        let n = 1 << 20;
        for rate in [0.01, 0.2, 0.5] {
            let dropped = factors(n, rate, 11).iter().filter(|&&factor| factor == 0.0).count();
            let (mean, deviation) = (n as f64 * rate, (n as f64 * rate * (1.0 - rate)).sqrt());
            assert!((dropped as f64 - mean).abs() < 5.0 * deviation, "{rate}: {dropped}");
        }
    }
}
