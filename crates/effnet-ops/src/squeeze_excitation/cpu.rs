//! The gate: small products on [images, channels], and two passes over the image.

use crate::activation::cpu::{Backward, Forward, Sigmoid, Swish};
use crate::channels::{self, ChannelMap, ChannelTerms, ChannelUpdate, Rows, column_sums};
use crate::dispatch::Level;
use crate::elementwise;
use crate::parallel;
use crate::pointwise_conv::cpu::Widths;
use crate::simd::Simd;

const SWISH: Swish = Swish { beta: 1.0 };

/// A 1x1 convolution with a bias: weight [Cout, Cin], bias [Cout].
#[derive(Clone, Copy)]
struct Affine<'a> {
    widths: Widths,
    weight: &'a [f32],
    bias: &'a [f32],
}

impl<'a> Affine<'a> {
    fn new(weight: &'a [f32], bias: &'a [f32]) -> Self {
        Self { widths: Widths { input: weight.len() / bias.len(), output: bias.len() }, weight, bias }
    }

    fn forward(&self, x: &[f32]) -> Vec<f32> {
        self.widths.forward(x, self.weight, Some(self.bias))
    }

    /// The gradients of weight and bias.
    fn parameter_gradients(&self, level: Level, x: &[f32], dy: &[f32]) -> [Vec<f32>; 2] {
        let rows = Rows { groups: 1, rows: dy.len() / self.widths.output, channels: self.widths.output };
        let bias = column_sums(level, rows, dy).iter().map(|sum| *sum as f32).collect();
        [self.widths.weight_gradient(x, dy), bias]
    }
}

/// The two convolutions.
#[derive(Clone, Copy)]
pub(crate) struct Layers<'a> {
    reduce: Affine<'a>,
    expand: Affine<'a>,
}

impl<'a> Layers<'a> {
    /// The layers of weights and biases in the order of [`super::SqueezeExcitation`].
    pub(crate) fn new([reduce, reduce_bias, expand, expand_bias]: [&'a [f32]; 4]) -> Self {
        Self { reduce: Affine::new(reduce, reduce_bias), expand: Affine::new(expand, expand_bias) }
    }
}

/// The gate and the values that its backward pass needs: a few for each channel of each image.
pub(crate) struct Gate {
    /// Means over each image, [images, C].
    pooled: Vec<f32>,
    /// Before swish, [images, R].
    hidden: Vec<f32>,
    /// After it.
    active: Vec<f32>,
    /// Before the sigmoid, [images, C].
    logits: Vec<f32>,
    /// After it: what each channel of each image is multiplied by.
    pub(crate) gate: Vec<f32>,
}

impl Gate {
    /// The gate, from the sums over each image's pixels, [images, C].
    pub(crate) fn new(level: Level, pixels: usize, sums: &[f64], layers: Layers<'_>) -> Self {
        let pooled: Vec<f32> = sums.iter().map(|sum| (sum / pixels as f64) as f32).collect();
        let hidden = layers.reduce.forward(&pooled);
        let active = elementwise::map(level, [&hidden], Forward(SWISH));
        let logits = layers.expand.forward(&active);
        let gate = elementwise::map(level, [&logits], Forward(Sigmoid));
        Self { pooled, hidden, active, logits, gate }
    }

    /// The gradients of the parameters, and the share of each pixel in the gradient of its image's means, from the gradient of
    /// the gate, [images, C]. An image has `pixels` pixels.
    pub(crate) fn backward(
        &self,
        level: Level,
        pixels: usize,
        dgate: &[f64],
        Layers { reduce, expand }: Layers<'_>,
    ) -> Gradients {
        let dgate: Vec<f32> = dgate.iter().map(|sum| *sum as f32).collect();
        let dlogits = elementwise::map(level, [&self.logits, &dgate], Backward(Sigmoid));
        let dactive = expand.widths.input_gradient(&dlogits, expand.weight);
        let dhidden = elementwise::map(level, [&self.hidden, &dactive], Backward(SWISH));
        let mut share = reduce.widths.input_gradient(&dhidden, reduce.weight);
        share.iter_mut().for_each(|share| *share /= pixels as f32);
        let [reduce, reduce_bias] = reduce.parameter_gradients(level, &self.pooled, &dhidden);
        let [expand, expand_bias] = expand.parameter_gradients(level, &self.active, &dlogits);
        Gradients { share, parameters: [reduce, reduce_bias, expand, expand_bias] }
    }
}

pub(crate) struct Gradients {
    /// [images, C].
    pub(crate) share: Vec<f32>,
    /// The gradients of the parameters, in the order of [`super::SqueezeExcitation`].
    pub(crate) parameters: [Vec<f32>; 4],
}

/// x gate.
pub(crate) fn scale(level: Level, shape: Rows, x: &[f32], gate: &[f32]) -> Vec<f32> {
    channels::map(level, shape, [x], [gate], Scale)
}

/// The sums over each image of x dy: the gradient of the gate.
pub(crate) fn gate_gradient(level: Level, shape: Rows, x: &[f32], dy: &[f32]) -> Vec<f64> {
    let [dgate] = channels::sums(level, shape, [x, dy], [], Product);
    dgate
}

/// x <- x gate, and the gradient of the gate as of [`gate_gradient`], in one pass.
pub(crate) fn gate_in_place(level: Level, shape: Rows, x: &mut [f32], dy: &[f32], gate: &[f32]) -> Vec<f64> {
    let image = shape.rows * shape.channels;
    let images = x.chunks_mut(image).zip(dy.chunks(image)).zip(gate.chunks(shape.channels));
    let one = Rows { groups: 1, ..shape };
    let dgate = parallel::map(images.collect(), &|((x, dy), gate)| {
        let mut sums = [vec![0f64; shape.channels]];
        channels::update_rows(level, one, 0, x, [dy], [gate], &mut sums, ScaleAndProduct);
        let [dgate] = sums;
        dgate
    });
    dgate.concat()
}

/// dx = dy gate + share.
pub(super) fn input_gradient(level: Level, shape: Rows, dy: &[f32], gate: &[f32], share: &[f32]) -> Vec<f32> {
    channels::map(level, shape, [dy], [gate, share], ScaleAndShare)
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

/// (x, dy) -> x gate, with x dy to be summed.
#[derive(Clone, Copy)]
struct ScaleAndProduct;

impl ChannelUpdate<2, 1, 1> for ScaleAndProduct {
    #[inline(always)]
    fn update<S: Simd>(self, s: S, [x, dy]: [S::F; 2], [gate]: [S::F; 1]) -> (S::F, [S::F; 1]) {
        (s.mul(x, gate), [s.mul(x, dy)])
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
