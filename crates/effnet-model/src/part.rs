//! The layers of a network's backbone: a stem, blocks, a head. In training all of them are one operation.

use candle_core::{Result, Tensor};
use effnet_ops::{BatchStatistics, Layer};

use crate::block::{Block, BlockParameters};
use crate::layers::{ConvNorm, ConvNormParameters};
use crate::mode::Mode;

/// A layer of the backbone.
#[derive(Clone, Copy)]
pub(crate) enum Part<'a> {
    /// The stem or the head.
    Conv(&'a ConvNorm),
    Block(&'a Block),
}

/// Its parameters as a mode uses them.
enum Parameters {
    Conv(ConvNormParameters),
    Block(BlockParameters),
}

impl Part<'_> {
    fn parameters(&self, mode: Mode) -> Parameters {
        match self {
            Self::Conv(conv) => Parameters::Conv(conv.parameters(mode)),
            Self::Block(block) => Parameters::Block(block.parameters(mode)),
        }
    }

    fn layer<'p>(&self, parameters: &'p Parameters, mode: Mode) -> Result<Layer<'p>> {
        match (self, parameters) {
            (Self::Conv(conv), Parameters::Conv(parameters)) => {
                conv.layer(parameters).map(Layer::ConvNormAct)
            }
            (Self::Block(block), Parameters::Block(parameters)) => {
                Ok(Layer::MbConv(block.layer(parameters, mode)))
            }
            _ => candle_core::bail!("parameters of another part"),
        }
    }

    /// Moves the running statistics, by the next of the batch's.
    fn track(&self, batch: &mut impl Iterator<Item = BatchStatistics>) -> Result<()> {
        match self {
            Self::Conv(conv) => conv.track(batch),
            Self::Block(block) => block.track(batch),
        }
    }

    fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Conv(conv) => conv.evaluator()?.forward(x),
            Self::Block(block) => block.evaluator()?.forward(x),
        }
    }
}

/// The parts one after another: [N, H, W, input] -> [N, h, w, output].
pub(crate) fn forward(parts: &[Part<'_>], x: &Tensor, mode: Mode) -> Result<Tensor> {
    if mode == Mode::Eval {
        return parts.iter().try_fold(x.clone(), |x, part| part.evaluate(&x));
    }
    let parameters: Vec<Parameters> = parts.iter().map(|part| part.parameters(mode)).collect();
    let layers = parts.iter().zip(&parameters).map(|(part, parameters)| part.layer(parameters, mode));
    let (y, statistics) = effnet_ops::sequence_train(x, &layers.collect::<Result<Vec<_>>>()?)?;
    let mut statistics = statistics.into_iter();
    parts.iter().try_for_each(|part| part.track(&mut statistics))?;
    Ok(y)
}
