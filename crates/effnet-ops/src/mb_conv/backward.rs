//! The way back through a block.
//!
//! ```text
//! narrow   dc3 from dy through its norm       t = dc3 Wp       dWp = dc3^T (y2 g)
//! attend   dg = sum over pixels of t y2, and from it each mean's gradient, a share for each pixel
//! filter   dz2 = (t g + share) f'(z2)         dc2 from dz2 through its norm
//!          dy1 from dc2 by the turned filter  dWd from y1 and dc2
//! widen    dz1 = dy1 f'(z1)                   dc1 from dz1 through its norm
//!          dx = dc1 We                        dWe = dc1^T x
//! ```
//!
//! where z is what a norm gives, and "through its norm" is [`Channels::through_statistics`]. t, dz2 and dc2 are one
//! tensor, which changes in place; so are dy1, dz1 and dc1.

use super::forward::{Normed, Pass, active_input};
use super::{Parameters, Plan};
use crate::activation::cpu::{Function, Identity};
use crate::batch_norm::cpu::{Channels, input_gradient_train, parameter_sums};
use crate::channels::{self, ChannelMap, ChannelTerms, ChannelUpdate};
use crate::depthwise_conv::weight_gradient::weight_gradient;
use crate::depthwise_conv::{channels_first, correlate::Correlation, taps_first};
use crate::dispatch::Level;
use crate::many::{Gradients, Wanted};
use crate::pointwise_conv::cpu::Widths;
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
        wanted: Wanted,
    ) -> Gradients {
        // Narrow.
        let Normed { c: c3, shape, inv_std, .. } = &self.narrowed;
        let layer = parameters.projection;
        let norm = self.narrowed.channels(&layer);
        let sums = parameter_sums(level, *shape, c3, dy, &norm, Identity);
        let dc3 = input_gradient_train(level, *shape, c3, dy, &norm, Identity, &sums);
        let widths = Widths { input: plan.hidden, output: plan.output };
        let mut t = widths.input_gradient(&dc3, layer.weight);
        let filtered = &self.filtered;
        let norm = filtered.channels(&parameters.depthwise);
        let scale = norm.scale();
        let [mean, bias] = [norm.mean, norm.bias];
        let y2 = filtered.active(level, plan, &self.gate, [mean, &scale, bias], f);
        let projection = of_layer(widths.weight_gradient(&y2, &dc3), inv_std, &sums);
        drop((y2, dc3));

        // Attend; filter.
        let (behind, c2) = (plan.behind(), &filtered.c);
        let (sums, attention) = match (&self.gate, parameters.attention) {
            (Some(gate), Some(layers)) => {
                let norm = [mean, &scale, bias];
                let [dgate] = channels::sums(level, behind, [c2, &t], norm, GateTerms(f));
                let gradients = gate.backward(level, behind.rows, &dgate, layers);
                let params = [mean, &scale, bias, &gate.gate, &gradients.share];
                let sums = channels::update(level, behind, &mut t, [c2], params, ThroughGate(f));
                (sums, gradients.parameters.into())
            }
            _ => (
                channels::update(level, behind, &mut t, [c2], [mean, &scale, bias], ThroughActivation(f)),
                vec![],
            ),
        };
        through_norm(level, &mut t, filtered, &norm, &sums);
        let dc2 = t;
        let y1 = active_input(level, &self.widened, parameters, f);
        let dw = weight_gradient(level, plan.window, plan.hidden, y1.as_deref().unwrap_or(x), &dc2);
        drop(y1);
        let depthwise = of_layer(channels_first(&dw, plan.hidden), &filtered.inv_std, &sums);
        let taps = taps_first(parameters.depthwise.weight, plan.hidden);
        let turned = Correlation::input_gradient(plan.window, plan.hidden);

        // Widen.
        let (dx, expansion) = match (&self.widened, &parameters.expansion) {
            (Some(widened), Some(layer)) => {
                let mut d1 = turned.run(level, &dc2, &taps);
                drop(dc2);
                let norm = widened.channels(layer);
                let params = [norm.mean, &norm.scale(), norm.bias];
                let sums = channels::update(
                    level,
                    plan.before(),
                    &mut d1,
                    [&widened.c],
                    params,
                    ThroughActivation(f),
                );
                through_norm(level, &mut d1, widened, &norm, &sums);
                let widths = Widths { input: plan.input, output: plan.hidden };
                let dx = wanted.x.then(|| widths.input_gradient(&d1, layer.weight));
                (dx, Some(of_layer(widths.weight_gradient(x, &d1), &widened.inv_std, &sums)))
            }
            _ => (wanted.x.then(|| turned.run(level, &dc2, &taps)), None),
        };
        let layers = expansion.into_iter().chain([depthwise, projection]).flatten();
        Gradients { x: dx, parameters: layers.chain(attention).collect() }
    }
}

/// The gradients of a convolution's weight, and of its norm's weight and bias by the sums of dz (x - mean) and of dz.
fn of_layer(weight: Vec<f32>, inv_std: &[f32], [dz, dz_x]: &[Vec<f64>; 2]) -> [Vec<f32>; 3] {
    let norm_weight = dz_x.iter().zip(inv_std).map(|(sum, s)| (sum * f64::from(*s)) as f32).collect();
    [weight, norm_weight, dz.iter().map(|sum| *sum as f32).collect()]
}

/// dz -> dc, in place.
fn through_norm(level: Level, dz: &mut [f32], normed: &Normed, norm: &Channels<'_>, sums: &[Vec<f64>; 2]) {
    let [constant, slope] = norm.through_statistics(sums, normed.shape.rows);
    let params = [norm.mean, &norm.scale(), &constant, &slope];
    channels::map_in_place(level, normed.shape, dz, [&normed.c], params, ThroughNorm);
}

/// (dz, c) -> scale dz + constant + slope (c - mean).
#[derive(Clone, Copy)]
struct ThroughNorm;

impl ChannelMap<2, 4> for ThroughNorm {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [dz, c]: [S::F; 2], [mean, scale, constant, slope]: [S::F; 4]) -> S::F {
        s.mul_add(dz, scale, s.mul_add(s.sub(c, mean), slope, constant))
    }
}

/// (dy, c) -> dz = dy f'(z), with dz and dz (c - mean) to be summed.
#[derive(Clone, Copy)]
struct ThroughActivation<F>(F);

impl<F: Function> ChannelUpdate<2, 3, 2> for ThroughActivation<F> {
    #[inline(always)]
    fn update<S: Simd>(self, s: S, [dy, c]: [S::F; 2], [mean, scale, bias]: [S::F; 3]) -> (S::F, [S::F; 2]) {
        let d = s.sub(c, mean);
        let dz = s.mul(dy, self.0.derivative(s, s.mul_add(d, scale, bias)));
        (dz, [dz, s.mul(dz, d)])
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

/// (c, t) -> t y2, to be summed.
#[derive(Clone, Copy)]
struct GateTerms<F>(F);

impl<F: Function> ChannelTerms<2, 3, 1> for GateTerms<F> {
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, [c, t]: [S::F; 2], [mean, scale, bias]: [S::F; 3]) -> [S::F; 1] {
        [s.mul(t, self.0.value(s, s.mul_add(s.sub(c, mean), scale, bias)))]
    }
}
