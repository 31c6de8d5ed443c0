//! A network made ready for many batches of evaluation.

use candle_core::{Result, Tensor};
use effnet_ops::{FoldedConv, FoldedMbConv};

use crate::classifier::ClassifierEvaluator;

/// A copy of an [`crate::EfficientNet`] in which batch norm is folded into the weights. Each image has the same bits in any
/// batch.
#[derive(Debug, Clone)]
pub struct Evaluator {
    pub(crate) stem: FoldedConv,
    pub(crate) stages: Vec<Vec<FoldedMbConv>>,
    pub(crate) head: FoldedConv,
    pub(crate) classifier: ClassifierEvaluator,
}

impl Evaluator {
    /// Length F of the global feature.
    pub fn feature_len(&self) -> usize {
        self.head.outputs()
    }

    /// Images to a global feature, [`crate::EfficientNet::encode`] and `decode`: [N, H, W, 3] -> [N, F].
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn features(&self, images: &Tensor) -> Result<Tensor> {
        let x = self.stem.forward(images)?;
        let x = self.stages.iter().flatten().try_fold(x, |x, block| block.forward(&x))?;
        effnet_ops::global_avg_pool(&self.head.forward(&x)?)
    }

    /// Images to logits: [N, H, W, 3] -> [N, classes].
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn logits(&self, images: &Tensor) -> Result<Tensor> {
        self.classifier.logits(&self.features(images)?)
    }
}
