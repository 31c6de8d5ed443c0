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

    /// The first step of [`Evaluator::features`]: [N, H, W, 3] -> [N, h, w, C].
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn encode_stem(&self, images: &Tensor) -> Result<Tensor> {
        self.stem.forward(images)
    }

    /// The next steps, stage by stage and block by block, both counted from 0.
    ///
    /// # Errors
    /// If `x` is not the output of the block before, or there is no such block.
    pub fn encode_block(&self, x: &Tensor, stage: usize, block: usize) -> Result<Tensor> {
        match self.stages.get(stage).and_then(|blocks| blocks.get(block)) {
            Some(block) => block.forward(x),
            None => candle_core::bail!("block {block} of stage {stage}: the network has no such block"),
        }
    }

    /// The last step: to one global feature, [N, h, w, C] -> [N, F].
    ///
    /// # Errors
    /// If `x` is not the output of the last block.
    pub fn decode_head(&self, x: &Tensor) -> Result<Tensor> {
        effnet_ops::global_avg_pool(&self.head.forward(x)?)
    }

    /// Global feature to logits: [N, F] -> [N, classes].
    ///
    /// # Errors
    /// If `features` has another shape.
    pub fn classify(&self, features: &Tensor) -> Result<Tensor> {
        self.classifier.logits(features)
    }

    /// Images to a map of local features, as [`crate::EfficientNet::encode`]: [N, H, W, 3] -> [N, h, w, F].
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn encode(&self, images: &Tensor) -> Result<Tensor> {
        let x = self.encode_stem(images)?;
        let x = self.stages.iter().flatten().try_fold(x, |x, block| block.forward(&x))?;
        self.head.forward(&x)
    }

    /// Images to a global feature: [N, H, W, 3] -> [N, F].
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn features(&self, images: &Tensor) -> Result<Tensor> {
        effnet_ops::global_avg_pool(&self.encode(images)?)
    }

    /// Class activation maps of each logit ([`ClassifierEvaluator::class_activation_maps`]), from [`Evaluator::encode`]'s map:
    /// [N, h, w, F] -> [N, h, w, classes].
    ///
    /// # Errors
    /// If `map` has another shape.
    pub fn class_activation_maps(&self, map: &Tensor) -> Result<Tensor> {
        self.classifier.class_activation_maps(map)
    }

    /// Images to logits: [N, H, W, 3] -> [N, classes].
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn logits(&self, images: &Tensor) -> Result<Tensor> {
        self.classify(&self.features(images)?)
    }
}
