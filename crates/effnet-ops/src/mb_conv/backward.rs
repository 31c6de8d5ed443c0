//! The way back through a block.
//!
//! ```text
//! skip     dx = dy + ..., the branch gets dy d, called dy from here on
//! narrow   dc3 from dy through its norm       t = dc3 Wp       dWp = dc3^T (y2 g)
//! attend   dg = sum over pixels of t y2, and from it each mean's gradient, a share for each pixel
//! filter   dz2 = (t g + share) f'(z2)         dc2 from dz2 through its norm
//!          dy1 from dc2 by the turned filter  dWd from y1 and dc2
//! widen    dz1 = dy1 f'(z1)                   dc1 from dz1 through its norm
//!          dx = dc1 We                        dWe = dc1^T x
//! ```
//!
//! where z is what a norm gives, and what goes "through its norm" is scaled, and gets a share of what went through the
//! statistics. Written down are t, which becomes dz2 in place, and dy1, which becomes dz1; the others are made again
//! where they are needed ([`blocks`]).

use std::borrow::Cow;

use super::forward::{Pass, activated};
use super::{Parameters, Plan};
use crate::activation::cpu::{Function, Identity};
use crate::batch_norm::cpu::{GradientTerms, ThroughNorm, input_gradient_train, parameter_sums};
use crate::blocks::{self, Mapped, Stored};
use crate::channels::{self, ChannelTerms, ChannelUpdate};
use crate::depthwise_conv::{by_image, channels_first, taps_first};
use crate::dispatch::Level;
use crate::drop::Times;
use crate::many::Gradients;
use crate::normed::gradients_of_layer;
use crate::simd::Simd;

impl Pass {
    #[allow(
        clippy::too_many_arguments,
        reason = "the arguments of the derivative, and what is known beside them"
    )]
    pub(super) fn backward<F: Function>(
        &self,
        level: Level,
        plan: Plan,
        x: &[f32],
        parameters: &Parameters<'_>,
        dy: &[f32],
        f: F,
    ) -> Gradients {
        // Skip.
        let shape = plan.narrowed_by_image();
        let branch = match &self.drop_factors {
            Some(factors) => Cow::Owned(channels::map(level, shape, [dy], [factors], Times)),
            None => Cow::Borrowed(dy),
        };

        // Narrow.
        let (narrowed, layer) = (&self.narrowed, parameters.projection);
        let (norm, shape) = (narrowed.channels(&layer), plan.narrowed());
        let sums = parameter_sums(level, shape, &narrowed.c, &branch, &norm, Identity);
        let dc3 = input_gradient_train(level, shape, &narrowed.c, &branch, &norm, Identity, &sums);
        let dc3 = Stored { values: &dc3, columns: plan.output };
        let (filtered, behind) = (&self.filtered, plan.behind());
        let norm = filtered.channels(&parameters.depthwise);
        let scale = norm.scale();
        let params = [norm.mean, &scale, norm.bias];
        let y2 = activated(level, behind, &filtered.c, params, f);

        // Attend, and through the activation.
        let (mut t, dwp, gates) = match (&self.gate, parameters.attention) {
            (Some(gate), Some(layers)) => {
                let (t, dwp, dgate) =
                    blocks::backward_gated(level, &dc3, &y2, layer.weight, &gate.gate, behind);
                (t, dwp, Some((&gate.gate, gate.backward(level, behind.rows, &dgate, layers))))
            }
            _ => {
                let (t, dwp) = blocks::backward(&dc3, &y2, layer.weight);
                (t, dwp, None)
            }
        };
        let projection = gradients_of_layer(dwp, &narrowed.inv_std, &sums);
        let sums = match &gates {
            Some((gate, gradients)) => {
                let [mean, scale, bias] = params;
                let params = [mean, scale, bias, gate, &gradients.share];
                channels::update(level, behind, &mut t, [&filtered.c], params, ThroughGate(f))
            }
            None => channels::update(level, behind, &mut t, [&filtered.c], params, ThroughActivation(f)),
        };

        // Filter, and widen.
        let taps = taps_first(parameters.depthwise.weight, plan.hidden);
        let [constant, slope] = norm.through_statistics(&sums, filtered.rows());
        let (inputs, params) = ([&*t, &*filtered.c], [norm.mean, &*scale, &*constant, &*slope]);
        let dc2 = Mapped { level, shape: behind, inputs, params, map: ThroughNorm };
        let x = Stored { values: x, columns: plan.input };
        let (mut dx, dwd, expansion) = match (&self.widened, &parameters.expansion) {
            (Some(widened), Some(layer)) => {
                let (norm, before) = (widened.channels(layer), plan.before());
                let scale = norm.scale();
                let params = [norm.mean, &*scale, norm.bias];
                let y1 = activated(level, before, &widened.c, params, f);
                let through = |first: usize, d1: &mut [f32]| {
                    let mut sums = std::array::from_fn(|_| vec![0f64; plan.hidden]);
                    let (inputs, map) = ([&*widened.c], ThroughActivation(f));
                    channels::update_rows(level, before, first, d1, inputs, params, &mut sums, map);
                    sums
                };
                let (d1, dwd, sums) = by_image::backward(level, plan.window, &dc2, &y1, &taps, through);
                let sums = channels::total(sums, plan.hidden);
                let [constant, slope] = norm.through_statistics(&sums, widened.rows());
                let (inputs, params) = ([&*d1, &*widened.c], [norm.mean, &*scale, &*constant, &*slope]);
                let dc1 = Mapped { level, shape: before, inputs, params, map: ThroughNorm };
                let (dx, dwe) = blocks::backward(&dc1, &x, layer.weight);
                (dx, dwd, Some(gradients_of_layer(dwe, &widened.inv_std, &sums)))
            }
            _ => {
                let (dx, dwd, _) = by_image::backward(level, plan.window, &dc2, &x, &taps, |_, _| ());
                (dx, dwd, None)
            }
        };
        if plan.skip.is_some() {
            let [] = channels::update(level, plan.narrowed(), &mut dx, [dy], [], Plus);
        }
        let depthwise = gradients_of_layer(channels_first(&dwd, plan.hidden), &filtered.inv_std, &sums);
        let layers = expansion.into_iter().chain([depthwise, projection]).flatten();
        let attention = gates.into_iter().flat_map(|(_, gradients)| gradients.parameters);
        Gradients { x: dx, parameters: layers.chain(attention).collect() }
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

/// The same from the gradient behind the gate: dy = t g + share.
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
