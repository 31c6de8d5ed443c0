//! The gate: small products on [images, channels], and two passes over the image.

use crate::activation::cpu::{Backward, Forward, Swish};
use crate::channels::{self, ChannelMap, ChannelTerms, Rows, column_sums};
use crate::dispatch::Level;
use crate::elementwise::{self, Map};
use crate::pointwise_conv::cpu::Widths;
use crate::sigmoid::sigmoid;
use crate::simd::Simd;

const SWISH: Swish = Swish { beta: 1.0 };

/// A 1x1 convolution with a bias, whose weights [Cout, Cin] and bias [Cout] lie in one array.
#[derive(Clone, Copy)]
struct Affine<'a> {
    widths: Widths,
    weight: &'a [f32],
    bias: &'a [f32],
}

impl<'a> Affine<'a> {
    fn new(packed: &'a [f32], input: usize, output: usize) -> Self {
        let (weight, bias) = packed.split_at(input * output);
        Self { widths: Widths { input, output }, weight, bias }
    }

    fn forward(&self, x: &[f32]) -> Vec<f32> {
        self.widths.forward(x, self.weight, Some(self.bias))
    }

    /// The gradient of the packed array.
    fn parameter_gradient(&self, level: Level, x: &[f32], dy: &[f32]) -> Vec<f32> {
        let rows = Rows { groups: 1, rows: dy.len() / self.widths.output, channels: self.widths.output };
        let mut gradient = self.widths.weight_gradient(x, dy);
        gradient.extend(column_sums(level, rows, dy).iter().map(|sum| *sum as f32));
        gradient
    }
}

/// The two convolutions.
#[derive(Clone, Copy)]
pub(super) struct Layers<'a> {
    reduce: Affine<'a>,
    expand: Affine<'a>,
}

impl<'a> Layers<'a> {
    /// From C to `reduced` channels and back.
    pub(super) fn new(reduce: &'a [f32], expand: &'a [f32], channels: usize, reduced: usize) -> Self {
        Self {
            reduce: Affine::new(reduce, channels, reduced),
            expand: Affine::new(expand, reduced, channels),
        }
    }
}

/// What the gate is made from, kept for the backward pass: a few values a channel, no image.
pub(super) struct Gate {
    shape: Rows,
    /// [images, C].
    pooled: Vec<f32>,
    /// Before swish, [images, R].
    hidden: Vec<f32>,
    /// After it.
    active: Vec<f32>,
    /// Before the sigmoid, [images, C].
    logits: Vec<f32>,
    /// After it.
    gate: Vec<f32>,
}

impl Gate {
    pub(super) fn new(level: Level, shape: Rows, x: &[f32], layers: Layers<'_>) -> Self {
        let area = shape.rows as f64;
        let pooled: Vec<f32> = column_sums(level, shape, x).iter().map(|sum| (sum / area) as f32).collect();
        let hidden = layers.reduce.forward(&pooled);
        let active = elementwise::map(level, [&hidden], Forward(SWISH));
        let logits = layers.expand.forward(&active);
        let gate = elementwise::map(level, [&logits], Sigmoid);
        Self { shape, pooled, hidden, active, logits, gate }
    }

    /// x gate.
    pub(super) fn scale(&self, level: Level, x: &[f32]) -> Vec<f32> {
        channels::map(level, self.shape, [x], [&self.gate], Scale)
    }

    pub(super) fn backward(
        &self,
        level: Level,
        x: &[f32],
        dy: &[f32],
        Layers { reduce, expand }: Layers<'_>,
        wanted: Wanted,
    ) -> Gradients {
        let shape = self.shape;
        let [dgate] = channels::sums(level, shape, [x, dy], [], Product);
        let dgate: Vec<f32> = dgate.iter().map(|sum| *sum as f32).collect();
        let dlogits = elementwise::map(level, [&self.logits, &dgate], SigmoidBackward);
        let dactive = expand.widths.input_gradient(&dlogits, expand.weight);
        let dhidden = elementwise::map(level, [&self.hidden, &dactive], Backward(SWISH));
        Gradients {
            x: wanted.x.then(|| {
                let area = shape.rows as f32;
                let mut share = reduce.widths.input_gradient(&dhidden, reduce.weight);
                share.iter_mut().for_each(|share| *share /= area);
                channels::map(level, shape, [dy], [&self.gate, &share], ScaleAndShare)
            }),
            reduce: wanted.reduce.then(|| reduce.parameter_gradient(level, &self.pooled, &dhidden)),
            expand: wanted.expand.then(|| expand.parameter_gradient(level, &self.active, &dlogits)),
        }
    }
}

/// Which gradients something behind waits for.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) x: bool,
    pub(super) reduce: bool,
    pub(super) expand: bool,
}

pub(super) struct Gradients {
    pub(super) x: Option<Vec<f32>>,
    pub(super) reduce: Option<Vec<f32>>,
    pub(super) expand: Option<Vec<f32>>,
}

#[derive(Clone, Copy)]
struct Sigmoid;

impl Map<1> for Sigmoid {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [x]: [S::F; 1]) -> S::F {
        sigmoid(s, x).0
    }
}

#[derive(Clone, Copy)]
struct SigmoidBackward;

impl Map<2> for SigmoidBackward {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [x, dy]: [S::F; 2]) -> S::F {
        s.mul(dy, sigmoid(s, x).1)
    }
}

#[derive(Clone, Copy)]
struct Scale;

impl ChannelMap<1, 1> for Scale {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [x]: [S::F; 1], [gate]: [S::F; 1]) -> S::F {
        s.mul(x, gate)
    }
}

#[derive(Clone, Copy)]
struct ScaleAndShare;

impl ChannelMap<1, 2> for ScaleAndShare {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [dy]: [S::F; 1], [gate, share]: [S::F; 2]) -> S::F {
        s.mul_add(dy, gate, share)
    }
}

#[derive(Clone, Copy)]
struct Product;

impl ChannelTerms<2, 0, 1> for Product {
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, [x, dy]: [S::F; 2], []: [S::F; 0]) -> [S::F; 1] {
        [s.mul(x, dy)]
    }
}
