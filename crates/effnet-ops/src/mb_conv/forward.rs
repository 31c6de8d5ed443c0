//! The way through a block, and what is kept of it.

use candle_core::Result;

use super::{Parameters, Plan};
use crate::activation::cpu::{Function, Identity};
use crate::batch_norm::BatchStatistics;
use crate::batch_norm::cpu::{Normalise, forward as normalise};
use crate::batch_norm::moments::Moments;
use crate::blocks::{self, Mapped, Stored};
use crate::channels::{self, ChannelMap, Rows};
use crate::depthwise_conv::{by_image, taps_first};
use crate::dispatch::Level;
use crate::matmul::Matrix;
use crate::normed::Normed;
use crate::simd::Simd;
use crate::squeeze_excitation::cpu::Gate;

/// A forward pass, kept for the backward one.
pub(super) struct Pass {
    pub(super) widened: Option<Normed>,
    pub(super) filtered: Normed,
    pub(super) gate: Option<Gate>,
    pub(super) narrowed: Normed,
    /// What drop path multiplies the branch by, [images, O], where it drops something.
    pub(super) drop_factors: Option<Vec<f32>>,
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
        let norm = narrowed.channels(&layer);
        let by_image = plan.narrowed_by_image();
        let drop_factors = plan
            .skip
            .filter(|drop_path| drop_path.rate > 0.0)
            .map(|drop_path| drop_path.factors(by_image.groups, plan.output));
        let scale = norm.scale();
        let (inputs, params) = ([&*narrowed.c, x.values], [norm.mean, &*scale, norm.bias]);
        let y = match (plan.skip, &drop_factors) {
            (None, _) => normalise(level, plan.narrowed(), &narrowed.c, &norm, Identity),
            (Some(_), None) => channels::map(level, by_image, inputs, params, NormaliseAndAdd),
            (Some(_), Some(factors)) => {
                let [mean, scale, bias] = params;
                channels::map(level, by_image, inputs, [mean, scale, bias, factors], NormaliseDropAndAdd)
            }
        };
        (y, Self { widened, filtered, gate, narrowed, drop_factors })
    }

    /// The statistics of each batch norm, in their order.
    pub(super) fn statistics(&self) -> Result<Vec<BatchStatistics>> {
        self.widened.iter().chain([&self.filtered, &self.narrowed]).map(Normed::statistics).collect()
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

/// (c, x) -> (c - mean) scale + bias + x.
#[derive(Clone, Copy)]
struct NormaliseAndAdd;

impl ChannelMap<2, 3> for NormaliseAndAdd {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [c, x]: [S::F; 2], norm: [S::F; 3]) -> S::F {
        s.add(Normalise(Identity).apply(s, [c], norm), x)
    }
}

/// (c, x) -> ((c - mean) scale + bias) factor + x.
#[derive(Clone, Copy)]
struct NormaliseDropAndAdd;

impl ChannelMap<2, 4> for NormaliseDropAndAdd {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [c, x]: [S::F; 2], [mean, scale, bias, factor]: [S::F; 4]) -> S::F {
        s.add(s.mul(Normalise(Identity).apply(s, [c], [mean, scale, bias]), factor), x)
    }
}
