//! The forward pass of a block, and what it saves for the backward pass.

use candle_core::Result;

use super::geometry::{Geometry, Parameters};
use crate::activation::cpu::{Function, Identity};
use crate::batch_norm::context::BatchNormContext;
use crate::batch_norm::cpu::{Normalise, forward as normalise};
use crate::batch_norm::moments::Moments;
use crate::batch_norm::statistics::BatchStatistics;
use crate::channels::{self, ChannelMap, Rows};
use crate::depthwise_conv::{by_image, taps_first};
use crate::dispatch::Level;
use crate::fused_matmul;
use crate::matmul::Matrix;
use crate::row_source::{MappedRows, StoredRows};
use crate::simd::Simd;
use crate::squeeze_excitation::cpu::Gate;

/// What the backward pass of a block needs.
pub(super) struct SavedForBackward {
    pub(super) expansion: Option<BatchNormContext>,
    pub(super) depthwise: BatchNormContext,
    pub(super) gate: Option<Gate>,
    pub(super) projection: BatchNormContext,
    /// The factors of drop path on the branch, [images, O], if it drops anything.
    pub(super) drop_factors: Option<Vec<f32>>,
}

impl SavedForBackward {
    /// The block's result y, and what is saved for the backward pass.
    pub(super) fn forward<F: Function>(
        level: Level,
        geometry: Geometry,
        x: &[f32],
        parameters: &Parameters<'_>,
        f: F,
    ) -> (Vec<f32>, Self) {
        let moments = |channels: usize| move |c: &[f32]| Moments::of(level, c, channels);
        let x = StoredRows { values: x, columns: geometry.input };
        let expansion = parameters.expansion.map(|layer| {
            let w = Matrix::transposed(layer.weight, geometry.hidden);
            BatchNormContext::new(fused_matmul::product(&x, w, &moments(geometry.hidden)), geometry.eps)
        });

        let layer = parameters.depthwise;
        let taps = taps_first(layer.weight, geometry.hidden);
        let moments_of_hidden = moments(geometry.hidden);
        let depthwise = match (&expansion, &parameters.expansion) {
            (Some(expansion), Some(before)) => {
                let norm = expansion.channels(before);
                let scale = norm.scale();
                let y1 = activated(
                    level,
                    geometry.depthwise_input(),
                    &expansion.c,
                    [norm.mean, &scale, norm.bias],
                    f,
                );
                by_image::forward(level, geometry.window, &y1, &taps, &moments_of_hidden)
            }
            _ => by_image::forward(level, geometry.window, &x, &taps, &moments_of_hidden),
        };
        let depthwise = BatchNormContext::new(depthwise, geometry.eps);

        let norm = depthwise.channels(&layer);
        let scale = norm.scale();
        let norm = [norm.mean, &scale, norm.bias];
        let gate = parameters.squeeze_excitation.map(|layers| {
            let shape = geometry.depthwise_output();
            let [sums] = channels::sums(level, shape, [&depthwise.c], norm, Normalise(f));
            Gate::new(level, shape.rows, &sums, layers)
        });

        let layer = parameters.projection;
        let w = Matrix::transposed(layer.weight, geometry.output);
        let projection = match &gate {
            Some(gate) => {
                let [mean, scale, bias] = norm;
                let params = [mean, scale, bias, &gate.gate];
                let map = NormaliseAndGate(f);
                let y2 = MappedRows {
                    level,
                    shape: geometry.depthwise_output(),
                    inputs: [&depthwise.c],
                    params,
                    map,
                };
                fused_matmul::product(&y2, w, &moments(geometry.output))
            }
            None => {
                let y2 = activated(level, geometry.depthwise_output(), &depthwise.c, norm, f);
                fused_matmul::product(&y2, w, &moments(geometry.output))
            }
        };
        let projection = BatchNormContext::new(projection, geometry.eps);
        let norm = projection.channels(&layer);
        let by_image = geometry.output_by_image();
        let drop_factors = geometry
            .skip
            .filter(|drop_path| drop_path.rate > 0.0)
            .map(|drop_path| drop_path.factors(by_image.groups, geometry.output));
        let scale = norm.scale();
        let (inputs, params) = ([&*projection.c, x.values], [norm.mean, &*scale, norm.bias]);
        let y = match (geometry.skip, &drop_factors) {
            (None, _) => normalise(level, geometry.output(), &projection.c, &norm, Identity),
            (Some(_), None) => channels::map(level, by_image, inputs, params, NormaliseAndAdd),
            (Some(_), Some(factors)) => {
                let [mean, scale, bias] = params;
                channels::map(level, by_image, inputs, [mean, scale, bias, factors], NormaliseDropAndAdd)
            }
        };
        (y, Self { expansion, depthwise, gate, projection, drop_factors })
    }

    /// The statistics of each batch norm, in their order: expansion, depthwise, projection.
    pub(super) fn statistics(&self) -> Result<Vec<BatchStatistics>> {
        self.expansion
            .iter()
            .chain([&self.depthwise, &self.projection])
            .map(BatchNormContext::statistics)
            .collect()
    }
}

/// f(norm(c)), computed when it is read; `params` are the norm's mean, scale and bias.
pub(super) fn activated<'a, F: Function>(
    level: Level,
    shape: Rows,
    c: &'a [f32],
    params: [&'a [f32]; 3],
    f: F,
) -> MappedRows<'a, 1, 3, Normalise<F>> {
    MappedRows { level, shape, inputs: [c], params, map: Normalise(f) }
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
