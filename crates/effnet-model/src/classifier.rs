//! From the global feature to a logit a class.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use effnet_ops::{Activation, FoldedConv};

use crate::arch::ClassifierKind;
use crate::layers::{BatchNorm, Linear, PYTORCH_BATCH_NORM};
use crate::mode::{Chance, Mode};
use crate::onnx::GraphBuilder;

/// The name of the classifier's module in a network. timm's.
pub(crate) const CLASSIFIER: &str = "classifier";

/// Whether a parameter of a network, by timm's name, is the classifier's.
pub(crate) fn is_classifier(name: &str) -> bool {
    name.strip_prefix(CLASSIFIER).is_some_and(|rest| rest.starts_with('.'))
}

/// Dropout, and the layers of a [`ClassifierKind`]. A classifier can also be trained without its network, on features that were
/// computed before.
#[derive(Debug, Clone)]
pub struct Classifier {
    dropout: f64,
    layers: Layers,
}

#[derive(Debug, Clone)]
enum Layers {
    Linear(Linear),
    Mlp(Linear, BatchNorm, Linear),
}

impl Classifier {
    /// Makes the classifier under the prefix of `vb`, which in a network is `classifier`. The names below it are those
    /// of PyTorch: `weight`, `bias`; or, for the Mlp, `0` (linear), `1` (batch norm), `3` (linear).
    ///
    /// Each linear layer starts uniform within 1 / sqrt(its input, or its output if that is more). timm takes the output:
    /// with 1000 classes much the same, but with ten the first logits have a deviation of 4, and the backbone learns noise
    /// before the classifier has calmed down.
    ///
    /// # Errors
    /// If `vb` has a parameter of that name in another shape.
    pub fn new(
        kind: ClassifierKind,
        features: usize,
        classes: usize,
        dropout: f64,
        vb: VarBuilder,
    ) -> Result<Self> {
        let bound = |input: usize, output: usize| 1.0 / (input.max(output).max(1) as f64).sqrt();
        let layers = match kind {
            ClassifierKind::Linear => {
                Layers::Linear(Linear::new(features, classes, bound(features, classes), &vb)?)
            }
            ClassifierKind::Mlp { hidden } => Layers::Mlp(
                Linear::new(features, hidden, bound(features, hidden), &vb.pp("0"))?,
                BatchNorm::new(hidden, PYTORCH_BATCH_NORM, Activation::Swish, &vb.pp("1"))?,
                Linear::new(hidden, classes, bound(hidden, classes), &vb.pp("3"))?,
            ),
        };
        Ok(Self { dropout, layers })
    }

    /// A copy of the classifier for many batches of evaluation, made of the present parameters and running statistics.
    /// [`Mode::Eval`] makes such a copy for each batch.
    ///
    /// # Errors
    /// Candle's. A classifier that [`Classifier::new`] made on the CPU gives no error.
    pub fn evaluator(&self) -> Result<ClassifierEvaluator> {
        let (layers, hidden) = match &self.layers {
            Layers::Linear(linear) => (vec![linear.evaluator(None)?], None),
            Layers::Mlp(first, bn, last) => {
                (vec![first.evaluator(Some(bn))?, last.evaluator(None)?], Some(first.before_activation(bn)?))
            }
        };
        Ok(ClassifierEvaluator { layers, hidden })
    }

    /// Adds the classifier to an ONNX graph, and returns the name of its result.
    pub(crate) fn add_to(&self, graph: &mut GraphBuilder, name: &str, x: &str) -> Result<String> {
        match &self.layers {
            Layers::Linear(linear) => linear.add_to(graph, name, x, None),
            Layers::Mlp(first, bn, last) => {
                let hidden = first.add_to(graph, &format!("{name}.hidden"), x, Some(bn))?;
                last.add_to(graph, name, &hidden, None)
            }
        }
    }

    /// [N, features] -> logits [N, classes]
    ///
    /// # Errors
    /// If `features` has another shape.
    pub fn forward_t(&self, features: &Tensor, mode: Mode) -> Result<Tensor> {
        if mode == Mode::Eval {
            return self.evaluator()?.logits(features);
        }
        let kept = match mode.seed(Chance::Dropout) {
            Some(seed) if self.dropout > 0.0 => effnet_ops::dropout(features, self.dropout, seed)?,
            _ => features.clone(),
        };
        match &self.layers {
            Layers::Linear(linear) => linear.forward(&kept, mode),
            Layers::Mlp(first, bn, last) => {
                last.forward(&bn.train(&first.forward(&kept, mode)?, mode)?, mode)
            }
        }
    }
}

/// A copy of a [`Classifier`] in which batch norm is folded into the weights. Each row has the same bits in any batch.
#[derive(Debug, Clone)]
pub struct ClassifierEvaluator {
    layers: Vec<FoldedConv>,
    /// The hidden layer before its activation, if there is one.
    hidden: Option<FoldedConv>,
}

impl ClassifierEvaluator {
    /// Class activation maps by gradients (Grad-CAM: Selvaraju et al. 2017, arXiv 1610.02391), before the ReLU: at each place the sum over
    /// features of the feature times the spatial mean of the logit's derivative by it.
    ///
    /// With a linear classifier that is the share of each place in the logit (CAM: Zhou et al. 2016, arXiv 1512.04150), exactly: the sum
    /// over a map is the logit less its bias.
    ///
    /// Pooling comes before the classifier, so the derivative is the same at all places: 1 / (h w) of the derivative by the global feature.
    /// A hidden unit `swish(z)`, `z` linear in the features, has `swish'(z) = s (1 + z (1 - s))` with `s = sigmoid(z)` of the whole image.
    ///
    /// # Shapes
    /// [N, h, w, features] -> [N, h, w, classes].
    ///
    /// # Errors
    /// If `map` has another shape.
    pub fn class_activation_maps(&self, map: &Tensor) -> Result<Tensor> {
        let (_, height, width, _) = map.dims4()?;
        let Some(last) = self.layers.last() else { candle_core::bail!("a classifier has layers") };
        let units = match &self.hidden {
            None => map.clone(),
            Some(hidden) => {
                let z = hidden.forward(&map.mean_keepdim(1)?.mean_keepdim(2)?)?;
                without_bias(hidden, map)?.broadcast_mul(&swish_derivative(&z)?)?
            }
        };
        without_bias(last, &units)?.affine(1.0 / (height * width) as f64, 0.0)
    }

    /// [N, features] -> logits [N, classes]
    ///
    /// # Errors
    /// If `features` has another shape.
    pub fn logits(&self, features: &Tensor) -> Result<Tensor> {
        let pixels = features.unsqueeze(1)?.unsqueeze(1)?;
        let logits = self.layers.iter().try_fold(pixels, |x, layer| layer.forward(&x))?;
        logits.squeeze(1)?.squeeze(1)
    }
}

/// `s (1 + z (1 - s))` with `s = sigmoid(z)`.
fn swish_derivative(z: &Tensor) -> Result<Tensor> {
    let s = candle_nn::ops::sigmoid(z)?;
    let inner = (z * s.affine(-1.0, 1.0)?)?.affine(1.0, 1.0)?;
    &s * inner
}

/// The result of a linear layer on [N, h, w, features], less its bias.
fn without_bias(layer: &FoldedConv, x: &Tensor) -> Result<Tensor> {
    let features = x.dim(3)?;
    let bias = layer.forward(&Tensor::zeros((1, 1, 1, features), x.dtype(), x.device())?)?;
    layer.forward(x)?.broadcast_sub(&bias)
}
