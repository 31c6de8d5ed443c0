//! Layers in a row as one operation, in training.
//!
//! candle's backward pass makes a tensor of zeros for each argument of an operation, and adds the gradient to it, on one
//! thread. Between the layers of a network these are four passes over every activation, while all other threads wait. Here
//! a layer's gradient is passed to the layer before it as it is.

use std::borrow::Cow;
use std::ops::Range;

use candle_core::{Result, Tensor};

use crate::activation::with_function;
use crate::batch_norm::statistics::BatchStatistics;
use crate::by_candle;
use crate::conv_norm::ConvNormAct;
use crate::dispatch::{Level, level};
use crate::host;
use crate::layer::{LayerBackward, LayerOutput};
use crate::mb_conv::MbConv;
use crate::multi_input_op::{self, Differentiable, Gradients};

const NAME: &str = "sequence_train";

/// A layer of a sequence.
#[derive(Debug, Clone, Copy)]
pub enum Layer<'a> {
    /// A stem or a head.
    ConvNormAct(ConvNormAct<'a>),
    /// An inverted residual block.
    MbConv(MbConv<'a>),
}

impl<'a> Layer<'a> {
    fn parameters(&self) -> Vec<&'a Tensor> {
        match self {
            Self::ConvNormAct(layer) => layer.conv.in_order().into(),
            Self::MbConv(block) => block.in_order(),
        }
    }

    fn by_candle(&self, x: &Tensor) -> Result<(Tensor, Vec<BatchStatistics>)> {
        match self {
            Self::ConvNormAct(layer) => layer.by_candle(x).map(|(y, statistics)| (y, vec![statistics])),
            Self::MbConv(block) => block.by_candle(x),
        }
    }

    fn forward(&self, level: Level, x: &[f32], dims: &[usize]) -> Result<LayerOutput> {
        match self {
            Self::ConvNormAct(layer) => {
                with_function!(layer.activation, |f| layer.forward(level, x, dims, f))
            }
            Self::MbConv(block) => with_function!(block.activation, |f| block.forward(level, x, dims, f)),
        }
    }
}

/// The result of the layers one after another, each normalised by the batch's own statistics; and the statistics of all batch
/// norms, in their order.
///
/// # Shapes
/// `x` [N, H, W, C], to the last layer's [N, Ho, Wo, O].
///
/// # Errors
/// If there is no layer, the shapes do not fit, a setting is out of its range, or a tensor on the CPU is not f32.
pub fn sequence_train(x: &Tensor, layers: &[Layer<'_>]) -> Result<(Tensor, Vec<BatchStatistics>)> {
    if by_candle::is_wanted(x) {
        return one_by_one(x, layers);
    }
    let level = level();
    let x = x.contiguous()?;
    let mut all = vec![];
    let mut sequence = Sequence { layers: vec![], between: vec![] };
    let mut statistics = vec![];
    let mut last: Option<(Vec<f32>, [usize; 4])> = None;
    let needs_backward = x.track_op() || layers.iter().flat_map(Layer::parameters).any(Tensor::track_op);
    for layer in layers {
        let output = match &last {
            None => host::read(NAME, [&x], |[values]| layer.forward(level, values, x.dims()))?,
            Some((values, dims)) => layer.forward(level, values, dims)?,
        };
        let first = all.len();
        all.extend(layer.parameters());
        statistics.extend(output.statistics);
        let before = last.replace((output.y, output.dims));
        if needs_backward {
            sequence.layers.push((output.backward, first..all.len()));
            sequence.between.extend(before.map(|(values, _)| values));
        }
    }
    let Some((y, dims)) = last else { candle_core::bail!("{NAME}: no layers") };
    Ok((multi_input_op::apply(&x, &all, sequence, y, &dims)?, statistics))
}

/// As [`sequence_train`], by candle's operations.
fn one_by_one(x: &Tensor, layers: &[Layer<'_>]) -> Result<(Tensor, Vec<BatchStatistics>)> {
    if layers.is_empty() {
        candle_core::bail!("{NAME}: no layers")
    }
    let mut statistics = vec![];
    let mut y = x.clone();
    for layer in layers {
        let (output, batch) = layer.by_candle(&y)?;
        y = output;
        statistics.extend(batch);
    }
    Ok((y, statistics))
}

struct Sequence {
    /// Each layer's backward pass, and the place of its parameters among all.
    layers: Vec<(Box<dyn LayerBackward>, Range<usize>)>,
    /// The result of every layer but the last.
    between: Vec<Vec<f32>>,
}

impl Differentiable for Sequence {
    const NAME: &'static str = NAME;

    fn backward(&self, x: &[f32], parameters: &[&[f32]], dy: &[f32], wants_x: bool) -> Gradients {
        let mut of_layers = vec![];
        let mut dy = Cow::Borrowed(dy);
        for (i, (layer, own)) in self.layers.iter().enumerate().rev() {
            let (x, wants_x) = if i == 0 { (x, wants_x) } else { (&*self.between[i - 1], true) };
            let found = layer.backward(level(), x, &parameters[own.clone()], &dy, wants_x);
            of_layers.push(found.parameters);
            dy = Cow::Owned(found.x);
        }
        Gradients { x: dy.into_owned(), parameters: of_layers.into_iter().rev().flatten().collect() }
    }
}
