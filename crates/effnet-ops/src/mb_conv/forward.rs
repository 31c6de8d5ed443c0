//! The way through a block, and what is kept of it.

use candle_core::Result;

use super::{Layer, Parameters, Plan};
use crate::activation::cpu::{Function, Identity};
use crate::batch_norm::BatchStatistics;
use crate::batch_norm::cpu::{Channels, statistics};
use crate::channels::{self, ChannelMap, ChannelTerms, Rows};
use crate::depthwise_conv::{correlate::Correlation, taps_first};
use crate::dispatch::Level;
use crate::host;
use crate::pointwise_conv::cpu::Widths;
use crate::simd::Simd;
use crate::squeeze_excitation::cpu::Gate;

/// A convolution's result, and what normalises it.
pub(super) struct Normed {
    /// [rows, channels].
    pub(super) c: Vec<f32>,
    pub(super) mean: Vec<f32>,
    pub(super) inv_std: Vec<f32>,
    var: Vec<f32>,
    /// All rows in one group.
    pub(super) shape: Rows,
}

impl Normed {
    fn new(level: Level, c: Vec<f32>, channels: usize, eps: f64) -> Self {
        let shape = Rows { groups: 1, rows: c.len() / channels, channels };
        let (mean, var) = statistics(level, shape, &c);
        let inv_std = var.iter().map(|var| (1.0 / (var + eps).sqrt()) as f32).collect();
        let single = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
        Self { c, mean: single(mean), inv_std, var: single(var), shape }
    }

    pub(super) fn channels<'a>(&'a self, layer: &Layer<'a>) -> Channels<'a> {
        let Layer { norm_weight: weight, norm_bias: bias, .. } = *layer;
        Channels { mean: &self.mean, inv_std: &self.inv_std, weight, bias }
    }

    fn statistics(&self) -> Result<BatchStatistics> {
        let channels = self.shape.channels;
        let mean = host::tensor(self.mean.clone(), channels)?;
        let var = host::tensor(self.var.clone(), channels)?;
        Ok(BatchStatistics { mean, var, count: self.shape.rows })
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
        let widened = parameters.expansion.map(|layer| {
            let widths = Widths { input: plan.input, output: plan.hidden };
            Normed::new(level, widths.forward(x, layer.weight, None), plan.hidden, plan.eps)
        });

        let layer = parameters.depthwise;
        let taps = taps_first(layer.weight, plan.hidden);
        let filter = Correlation::forward(plan.window, plan.hidden);
        let c2 = match active_input(level, &widened, parameters, f) {
            Some(y1) => filter.run(level, &y1, &taps),
            None => filter.run(level, x, &taps),
        };
        let filtered = Normed::new(level, c2, plan.hidden, plan.eps);

        let channels = filtered.channels(&layer);
        let norm = [channels.mean, &channels.scale(), channels.bias];
        let gate = parameters.attention.map(|layers| {
            let shape = plan.behind();
            let [sums] = channels::sums(level, shape, [&filtered.c], norm, Activated(f));
            Gate::new(level, shape.rows, &sums, layers)
        });

        let layer = parameters.projection;
        let widths = Widths { input: plan.hidden, output: plan.output };
        let c3 = widths.forward(&filtered.active(level, plan, &gate, norm, f), layer.weight, None);
        let narrowed = Normed::new(level, c3, plan.output, plan.eps);
        let channels = narrowed.channels(&layer);
        let norm = [channels.mean, &channels.scale(), channels.bias];
        let y = channels::map(level, narrowed.shape, [&narrowed.c], norm, Activated(Identity));
        (y, Self { widened, filtered, gate, narrowed })
    }

    /// The statistics of each batch norm.
    pub(super) fn statistics(&self) -> Result<super::MbConvStatistics> {
        Ok(super::MbConvStatistics {
            expansion: self.widened.as_ref().map(Normed::statistics).transpose()?,
            depthwise: self.filtered.statistics()?,
            projection: self.narrowed.statistics()?,
        })
    }
}

/// y1, if the block widens.
pub(super) fn active_input<F: Function>(
    level: Level,
    widened: &Option<Normed>,
    parameters: &Parameters<'_>,
    f: F,
) -> Option<Vec<f32>> {
    let (widened, layer) = (widened.as_ref()?, parameters.expansion.as_ref()?);
    let channels = widened.channels(layer);
    let norm = [channels.mean, &channels.scale(), channels.bias];
    Some(channels::map(level, widened.shape, [&widened.c], norm, Activated(f)))
}

impl Normed {
    /// y2 g.
    pub(super) fn active<F: Function>(
        &self,
        level: Level,
        plan: Plan,
        gate: &Option<Gate>,
        [mean, scale, bias]: [&[f32]; 3],
        f: F,
    ) -> Vec<f32> {
        match gate {
            Some(gate) => {
                let norm = [mean, scale, bias, &gate.gate];
                channels::map(level, plan.behind(), [&self.c], norm, ActivatedAndGated(f))
            }
            None => channels::map(level, plan.behind(), [&self.c], [mean, scale, bias], Activated(f)),
        }
    }
}

/// c -> f((c - mean) scale + bias).
#[derive(Clone, Copy)]
struct Activated<F>(F);

impl<F: Function> ChannelMap<1, 3> for Activated<F> {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [c]: [S::F; 1], [mean, scale, bias]: [S::F; 3]) -> S::F {
        self.0.value(s, s.mul_add(s.sub(c, mean), scale, bias))
    }
}

impl<F: Function> ChannelTerms<1, 3, 1> for Activated<F> {
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, c: [S::F; 1], norm: [S::F; 3]) -> [S::F; 1] {
        [self.apply(s, c, norm)]
    }
}

/// The same, times the gate.
#[derive(Clone, Copy)]
struct ActivatedAndGated<F>(F);

impl<F: Function> ChannelMap<1, 4> for ActivatedAndGated<F> {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, c: [S::F; 1], [mean, scale, bias, gate]: [S::F; 4]) -> S::F {
        s.mul(Activated(self.0).apply(s, c, [mean, scale, bias]), gate)
    }
}
