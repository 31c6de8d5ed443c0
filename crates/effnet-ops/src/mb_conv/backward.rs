//! The backward pass of a block.
//!
//! ```text
//! skip                 dx = dy + ..., the branch gets dy d, called dy from here on
//! projection           dc3 from dy through its norm       t = dc3 Wp       dWp = dc3^T (y2 g)
//! squeeze-excitation   dg = sum over pixels of t y2, and from it each mean's gradient, a share for each pixel
//! depthwise            dz2 = (t g + share) f'(z2)         dc2 from dz2 through its norm
//!                      dy1 from dc2 by the transposed convolution         dWd from y1 and dc2
//! expansion            dz1 = dy1 f'(z1)                   dc1 from dz1 through its norm
//!                      dx = dc1 We                        dWe = dc1^T x
//! ```
//!
//! where z is the result of a norm. A gradient "through its norm" is scaled, and gets a share of the gradient through the
//! statistics. Stored are t, which becomes dz2 in place, and dy1, which becomes dz1; the others are computed where they are
//! needed ([`fused_matmul`]).

use std::borrow::Cow;

use super::forward::{SavedForBackward, activated};
use super::geometry::{Geometry, Parameters};
use crate::activation::cpu::{Function, Identity};
use crate::batch_norm::context::gradients_of_layer;
use crate::batch_norm::cpu::{GradientTerms, ThroughNorm, input_gradient_train, parameter_sums};
use crate::channels::{self, ChannelTerms, ChannelUpdate};
use crate::depthwise_conv::{by_image, channels_first, taps_first};
use crate::dispatch::Level;
use crate::drop::Times;
use crate::fused_matmul;
use crate::multi_input_op::Gradients;
use crate::row_source::{MappedRows, StoredRows};
use crate::simd::Simd;

impl SavedForBackward {
    #[allow(clippy::too_many_arguments, reason = "the arguments of the derivative, and the block's geometry")]
    pub(super) fn backward<F: Function>(
        &self,
        level: Level,
        geometry: Geometry,
        x: &[f32],
        parameters: &Parameters<'_>,
        dy: &[f32],
        f: F,
    ) -> Gradients {
        // Skip.
        let shape = geometry.output_by_image();
        let branch = match &self.drop_factors {
            Some(factors) => Cow::Owned(channels::map(level, shape, [dy], [factors], Times)),
            None => Cow::Borrowed(dy),
        };

        // Projection.
        let (projected, layer) = (&self.projection, parameters.projection);
        let (norm, shape) = (projected.channels(&layer), geometry.output());
        let sums = parameter_sums(level, shape, &projected.c, &branch, &norm, Identity);
        let dc3 = input_gradient_train(level, shape, &projected.c, &branch, &norm, Identity, &sums);
        let dc3 = StoredRows { values: &dc3, columns: geometry.output };
        let (depthwise, shape_of_depthwise) = (&self.depthwise, geometry.depthwise_output());
        let norm = depthwise.channels(&parameters.depthwise);
        let scale = norm.scale();
        let params = [norm.mean, &scale, norm.bias];
        let y2 = activated(level, shape_of_depthwise, &depthwise.c, params, f);

        // Squeeze and excitation, and the activation before it.
        let (mut t, dwp, gates) = match (&self.gate, parameters.squeeze_excitation) {
            (Some(gate), Some(layers)) => {
                let (t, dwp, dgate) = fused_matmul::backward_gated(
                    level,
                    &dc3,
                    &y2,
                    layer.weight,
                    &gate.gate,
                    shape_of_depthwise,
                );
                (t, dwp, Some((&gate.gate, gate.backward(level, shape_of_depthwise.rows, &dgate, layers))))
            }
            _ => {
                let (t, dwp) = fused_matmul::backward(&dc3, &y2, layer.weight);
                (t, dwp, None)
            }
        };
        let projection = gradients_of_layer(dwp, &projected.inv_std, &sums);
        let sums = match &gates {
            Some((gate, gradients)) => {
                let [mean, scale, bias] = params;
                let params = [mean, scale, bias, gate, &gradients.share];
                channels::update(level, shape_of_depthwise, &mut t, [&depthwise.c], params, ThroughGate(f))
            }
            None => channels::update(
                level,
                shape_of_depthwise,
                &mut t,
                [&depthwise.c],
                params,
                ThroughActivation(f),
            ),
        };

        // Depthwise convolution, and expansion.
        let taps = taps_first(parameters.depthwise.weight, geometry.hidden);
        let [constant, slope] = norm.through_statistics(&sums, depthwise.rows());
        let (inputs, params) = ([&*t, &*depthwise.c], [norm.mean, &*scale, &*constant, &*slope]);
        let dc2 = MappedRows { level, shape: shape_of_depthwise, inputs, params, map: ThroughNorm };
        let x = StoredRows { values: x, columns: geometry.input };
        let (mut dx, dwd, expansion) = match (&self.expansion, &parameters.expansion) {
            (Some(expanded), Some(layer)) => {
                let (norm, before) = (expanded.channels(layer), geometry.depthwise_input());
                let scale = norm.scale();
                let params = [norm.mean, &*scale, norm.bias];
                let y1 = activated(level, before, &expanded.c, params, f);
                let through = |first: usize, d1: &mut [f32]| {
                    let mut sums = std::array::from_fn(|_| vec![0f64; geometry.hidden]);
                    let (inputs, map) = ([&*expanded.c], ThroughActivation(f));
                    channels::update_rows(level, before, first, d1, inputs, params, &mut sums, map);
                    sums
                };
                let (d1, dwd, sums) = by_image::backward(level, geometry.window, &dc2, &y1, &taps, &through);
                let sums = channels::total(sums, geometry.hidden);
                let [constant, slope] = norm.through_statistics(&sums, expanded.rows());
                let (inputs, params) = ([&*d1, &*expanded.c], [norm.mean, &*scale, &*constant, &*slope]);
                let dc1 = MappedRows { level, shape: before, inputs, params, map: ThroughNorm };
                let (dx, dwe) = fused_matmul::backward(&dc1, &x, layer.weight);
                (dx, dwd, Some(gradients_of_layer(dwe, &expanded.inv_std, &sums)))
            }
            _ => {
                let (dx, dwd, _) = by_image::backward(level, geometry.window, &dc2, &x, &taps, &|_, _| ());
                (dx, dwd, None)
            }
        };
        if geometry.skip.is_some() {
            let [] = channels::update(level, geometry.output(), &mut dx, [dy], [], Plus);
        }
        let depthwise = gradients_of_layer(channels_first(&dwd, geometry.hidden), &depthwise.inv_std, &sums);
        let layers = expansion.into_iter().chain([depthwise, projection]).flatten();
        let gate_gradients = gates.into_iter().flat_map(|(_, gradients)| gradients.parameters);
        Gradients { x: dx, parameters: layers.chain(gate_gradients).collect() }
    }
}

/// (dy, c) -> dz = dy f'(z), with dz and dz (c - mean) to be summed.
#[derive(Clone, Copy)]
struct ThroughActivation<F>(F);

impl<F: Function> ChannelUpdate<2, 3, 2> for ThroughActivation<F> {
    #[inline(always)]
    fn update<S: Simd>(self, s: S, [dy, c]: [S::F; 2], norm: [S::F; 3]) -> (S::F, [S::F; 2]) {
        let [dz, dz_c] = GradientTerms(self.0).terms(s, [c, dy], norm);
        (dz, [dz, dz_c])
    }
}

/// As [`ThroughActivation`], from t, the gradient of the gated values: dy = t g + share.
#[derive(Clone, Copy)]
struct ThroughGate<F>(F);

impl<F: Function> ChannelUpdate<2, 5, 2> for ThroughGate<F> {
    #[inline(always)]
    fn update<S: Simd>(
        self,
        s: S,
        [t, c]: [S::F; 2],
        [mean, scale, bias, gate, share]: [S::F; 5],
    ) -> (S::F, [S::F; 2]) {
        ThroughActivation(self.0).update(s, [s.mul_add(t, gate, share), c], [mean, scale, bias])
    }
}

/// (dx, dy) -> dx + dy.
#[derive(Clone, Copy)]
struct Plus;

impl ChannelUpdate<2, 0, 0> for Plus {
    #[inline(always)]
    fn update<S: Simd>(self, s: S, [dx, dy]: [S::F; 2], []: [S::F; 0]) -> (S::F, [S::F; 0]) {
        (s.add(dx, dy), [])
    }
}
