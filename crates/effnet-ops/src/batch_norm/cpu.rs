//! Batch norm over the rows of [rows, channels], and its gradients.

use candle_core::Result;

use super::moments::Moments;
use crate::activation::cpu::Function;
use crate::channels::{self, ChannelMap, ChannelTerms, Rows};
use crate::dispatch::Level;
use crate::error::Error;
use crate::parallel;
use crate::simd::Simd;

/// Mean and biased variance of each channel.
pub(super) fn statistics(level: Level, shape: Rows, x: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let rows = shape.rows.div_ceil(64).max(32);
    let parts =
        parallel::map(x.chunks(rows * shape.channels).collect(), &|x| Moments::of(level, x, shape.channels));
    Moments::together(parts).mean_and_variance()
}

/// Statistics and parameters that normalise each channel: y = f(weight (x - mean) inv_std + bias).
pub(crate) struct ChannelNorm<'a> {
    pub(crate) mean: &'a [f32],
    pub(crate) inv_std: &'a [f32],
    pub(crate) weight: &'a [f32],
    pub(crate) bias: &'a [f32],
}

impl ChannelNorm<'_> {
    /// weight * inv_std.
    pub(crate) fn scale(&self) -> Vec<f32> {
        self.weight.iter().zip(self.inv_std).map(|(w, s)| w * s).collect()
    }

    /// What the statistics of a batch of `n` rows add to the gradient of x: constant + slope (x - mean), from the sums of
    /// dz and of dz (x - mean).
    pub(crate) fn through_statistics(&self, [dz, dz_x]: &[Vec<f64>; 2], n: usize) -> [Vec<f32>; 2] {
        let (n, scale) = (n as f64, self.scale());
        let constant = dz.iter().zip(&scale).map(|(dz, s)| (-f64::from(*s) * dz / n) as f32).collect();
        let slope = (0..scale.len())
            .map(|i| (-f64::from(scale[i]) * f64::from(self.inv_std[i]).powi(2) * dz_x[i] / n) as f32)
            .collect();
        [constant, slope]
    }
}

pub(crate) fn check_eps(op: &'static str, eps: f64) -> Result<()> {
    if eps > 0.0 && eps.is_finite() {
        return Ok(());
    }
    Err(Error::Setting { op, setting: "eps", value: eps, range: "above 0" }.into())
}

pub(crate) fn forward<F: Function>(
    level: Level,
    shape: Rows,
    x: &[f32],
    c: &ChannelNorm<'_>,
    f: F,
) -> Vec<f32> {
    channels::map(level, shape, [x], [c.mean, &c.scale(), c.bias], Normalise(f))
}

/// x -> f((x - mean) scale + bias).
#[derive(Clone, Copy)]
pub(crate) struct Normalise<F>(pub(crate) F);

impl<F: Function> ChannelTerms<1, 3, 1> for Normalise<F> {
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, x: [S::F; 1], norm: [S::F; 3]) -> [S::F; 1] {
        [self.apply(s, x, norm)]
    }
}

impl<F: Function> ChannelMap<1, 3> for Normalise<F> {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [x]: [S::F; 1], [mean, scale, bias]: [S::F; 3]) -> S::F {
        self.0.value(s, s.mul_add(s.sub(x, mean), scale, bias))
    }
}

/// For each channel the sums of dz and of dz (x - mean), where dz = dy f'(z): they are the
/// gradient of the bias, and (times inv_std) that of the weight.
pub(crate) fn parameter_sums<F: Function>(
    level: Level,
    shape: Rows,
    x: &[f32],
    dy: &[f32],
    c: &ChannelNorm<'_>,
    f: F,
) -> [Vec<f64>; 2] {
    channels::sums(level, shape, [x, dy], [c.mean, &c.scale(), c.bias], GradientTerms(f))
}

/// (x, dy) -> dz and dz (x - mean).
#[derive(Clone, Copy)]
pub(crate) struct GradientTerms<F>(pub(crate) F);

impl<F: Function> ChannelTerms<2, 3, 2> for GradientTerms<F> {
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, [x, dy]: [S::F; 2], [mean, scale, bias]: [S::F; 3]) -> [S::F; 2] {
        let d = s.sub(x, mean);
        let dz = self.0.backward(s, s.mul_add(d, scale, bias), dy);
        [dz, s.mul(dz, d)]
    }
}

/// dx when the statistics are the batch's own:
/// scale (dz - sum(dz) / n - (x - mean) inv_std^2 sum(dz (x - mean)) / n).
pub(crate) fn input_gradient_train<F: Function>(
    level: Level,
    shape: Rows,
    x: &[f32],
    dy: &[f32],
    c: &ChannelNorm<'_>,
    f: F,
    sums: &[Vec<f64>; 2],
) -> Vec<f32> {
    let [constant, slope] = c.through_statistics(sums, shape.rows);
    let params = [c.mean, &c.scale(), c.bias, &constant, &slope];
    channels::map(level, shape, [x, dy], params, InputGradientTrain(f))
}

/// (x, dy) -> dx when the statistics are the batch's own, as of [`input_gradient_train`].
#[derive(Clone, Copy)]
pub(crate) struct InputGradientTrain<F>(pub(crate) F);

impl<F: Function> ChannelMap<2, 5> for InputGradientTrain<F> {
    #[inline(always)]
    fn apply<S: Simd>(
        self,
        s: S,
        [x, dy]: [S::F; 2],
        [mean, scale, bias, constant, slope]: [S::F; 5],
    ) -> S::F {
        let [dz, _] = GradientTerms(self.0).terms(s, [x, dy], [mean, scale, bias]);
        ThroughNorm.apply(s, [dz, x], [mean, scale, constant, slope])
    }
}

/// (dz, x) -> dx = scale dz + constant + slope (x - mean), with [`ChannelNorm::through_statistics`].
#[derive(Clone, Copy)]
pub(crate) struct ThroughNorm;

impl ChannelMap<2, 4> for ThroughNorm {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [dz, x]: [S::F; 2], [mean, scale, constant, slope]: [S::F; 4]) -> S::F {
        s.mul_add(dz, scale, s.mul_add(s.sub(x, mean), slope, constant))
    }
}

/// dx when the statistics are constants: scale dz.
pub(crate) fn input_gradient_eval<F: Function>(
    level: Level,
    shape: Rows,
    x: &[f32],
    dy: &[f32],
    c: &ChannelNorm<'_>,
    f: F,
) -> Vec<f32> {
    channels::map(level, shape, [x, dy], [c.mean, &c.scale(), c.bias], InputGradientEval(f))
}

#[derive(Clone, Copy)]
struct InputGradientEval<F>(F);

impl<F: Function> ChannelMap<2, 3> for InputGradientEval<F> {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [x, dy]: [S::F; 2], [mean, scale, bias]: [S::F; 3]) -> S::F {
        let [dz, _] = GradientTerms(self.0).terms(s, [x, dy], [mean, scale, bias]);
        s.mul(dz, scale)
    }
}
