//! The way through a block, and what is kept of it.

use candle_core::Result;

use super::{Layer, MbConvStatistics, Parameters, Plan};
use crate::activation::cpu::{Function, Identity};
use crate::batch_norm::BatchStatistics;
use crate::batch_norm::cpu::{Channels, Normalise, forward as normalise};
use crate::batch_norm::moments::Moments;
use crate::blocks::{self, Mapped, Stored};
use crate::channels::{self, ChannelMap, Rows};
use crate::depthwise_conv::{by_image, taps_first};
use crate::dispatch::Level;
use crate::host;
use crate::matmul::Matrix;
use crate::simd::Simd;
use crate::squeeze_excitation::cpu::Gate;

/// A convolution's result, and what normalises it.
pub(super) struct Normed {
    /// [rows, channels].
    pub(super) c: Vec<f32>,
    mean: Vec<f32>,
    pub(super) inv_std: Vec<f32>,
    var: Vec<f32>,
}

impl Normed {
    fn new((c, moments): (Vec<f32>, Vec<Moments>), eps: f64) -> Self {
        let (mean, var) = Moments::together(moments).mean_and_variance();
        let inv_std = var.iter().map(|var| (1.0 / (var + eps).sqrt()) as f32).collect();
        let single = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
        Self { c, mean: single(mean), inv_std, var: single(var) }
    }

    pub(super) fn rows(&self) -> usize {
        self.c.len() / self.mean.len()
    }

    pub(super) fn channels<'a>(&'a self, layer: &Layer<'a>) -> Channels<'a> {
        let Layer { norm_weight: weight, norm_bias: bias, .. } = *layer;
        Channels { mean: &self.mean, inv_std: &self.inv_std, weight, bias }
    }

    fn statistics(&self) -> Result<BatchStatistics> {
        let channels = self.mean.len();
        let mean = host::tensor(self.mean.clone(), channels)?;
        let var = host::tensor(self.var.clone(), channels)?;
        Ok(BatchStatistics { mean, var, count: self.rows() })
    }
}

/// A forward pass, kept for the backward one.
pub(super) struct Pass {
    pub(super) widened: Option<Normed>,
    pub(super) filtered: Normed,
    pub(super) gate: Option<Gate>,
    pub(super) narrowed: Normed,
}

impl Pass {
    /// y, and the pass.
    pub(super) fn forward<F: Function>(
        level: Level,
        plan: Plan,
        x: &[f32],
        parameters: &Parameters<'_>,
        f: F,
    ) -> (Vec<f32>, Self) {
        let moments = |channels: usize| move |c: &[f32]| Moments::of(level, c, channels);
        let x = Stored { values: x, columns: plan.input };
        let widened = parameters.expansion.map(|layer| {
            let w = Matrix::transposed(layer.weight, plan.hidden);
            Normed::new(blocks::product(&x, w, moments(plan.hidden)), plan.eps)
        });

        let layer = parameters.depthwise;
        let taps = taps_first(layer.weight, plan.hidden);
        let moments_of_hidden = moments(plan.hidden);
        let filtered = match (&widened, &parameters.expansion) {
            (Some(widened), Some(before)) => {
                let norm = widened.channels(before);
                let scale = norm.scale();
                let y1 = activated(level, plan.before(), &widened.c, [norm.mean, &scale, norm.bias], f);
                by_image::forward(level, plan.window, &y1, &taps, moments_of_hidden)
            }
            _ => by_image::forward(level, plan.window, &x, &taps, moments_of_hidden),
        };
        let filtered = Normed::new(filtered, plan.eps);

        let norm = filtered.channels(&layer);
        let scale = norm.scale();
        let norm = [norm.mean, &scale, norm.bias];
        let gate = parameters.attention.map(|layers| {
            let shape = plan.behind();
            let [sums] = channels::sums(level, shape, [&filtered.c], norm, Normalise(f));
            Gate::new(level, shape.rows, &sums, layers)
        });

        let layer = parameters.projection;
        let w = Matrix::transposed(layer.weight, plan.output);
        let narrowed = match &gate {
            Some(gate) => {
                let [mean, scale, bias] = norm;
                let params = [mean, scale, bias, &gate.gate];
                let map = NormaliseAndGate(f);
                let y2 = Mapped { level, shape: plan.behind(), inputs: [&filtered.c], params, map };
                blocks::product(&y2, w, moments(plan.output))
            }
            None => {
                let y2 = activated(level, plan.behind(), &filtered.c, norm, f);
                blocks::product(&y2, w, moments(plan.output))
            }
        };
        let narrowed = Normed::new(narrowed, plan.eps);
        let y = normalise(level, plan.narrowed(), &narrowed.c, &narrowed.channels(&layer), Identity);
        (y, Self { widened, filtered, gate, narrowed })
    }

    /// The statistics of each batch norm.
    pub(super) fn statistics(&self) -> Result<MbConvStatistics> {
        Ok(MbConvStatistics {
            expansion: self.widened.as_ref().map(Normed::statistics).transpose()?,
            depthwise: self.filtered.statistics()?,
            projection: self.narrowed.statistics()?,
        })
    }
}

/// f(norm(c)), by mean, scale and bias.
pub(super) fn activated<'a, F: Function>(
    level: Level,
    shape: Rows,
    c: &'a [f32],
    params: [&'a [f32]; 3],
    f: F,
) -> Mapped<'a, 1, 3, Normalise<F>> {
    Mapped { level, shape, inputs: [c], params, map: Normalise(f) }
}

/// c -> f((c - mean) scale + bias) gate.
#[derive(Clone, Copy)]
struct NormaliseAndGate<F>(F);

impl<F: Function> ChannelMap<1, 4> for NormaliseAndGate<F> {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, c: [S::F; 1], [mean, scale, bias, gate]: [S::F; 4]) -> S::F {
        s.mul(Normalise(self.0).apply(s, c, [mean, scale, bias]), gate)
    }
}
