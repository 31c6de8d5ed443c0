//! The network: encode, decode, classify.

use std::iter;

use candle_core::{Result as CandleResult, Tensor};
use candle_nn::VarBuilder;

use crate::arch::Arch;
use crate::block::Block;
use crate::classifier::{self, CLASSIFIER, Classifier};
use crate::error::{Error, Result};
use crate::evaluator::Evaluator;
use crate::layers::{BatchNorm, BatchNormSettings, ConvNorm};
use crate::mode::Mode;
use crate::onnx::GraphBuilder;
use crate::part::{self, Part};
use crate::table::STEM_KERNEL;

/// A member of the family. Tensors are f32, NHWC: images are normalised as `arch().preprocessing` says.
///
/// Not for two training passes at a time: each moves the running statistics.
#[derive(Debug, Clone)]
pub struct EfficientNet {
    arch: Arch,
    stem: ConvNorm,
    stages: Vec<Vec<Block>>,
    head: ConvNorm,
    classifier: Classifier,
    feature_len: usize,
    /// The prefix of its parameters' names.
    prefix: String,
}

impl EfficientNet {
    /// Builds the network under the prefix of `vb`, with timm's names (`conv_stem`, `bn1`, `blocks.S.B...`, `conv_head`,
    /// `bn2`, `classifier`).
    ///
    /// # Errors
    /// [`Error::InvalidArch`] for an architecture out of range or for no classes; [`Error::Candle`] if `vb` has a
    /// parameter of that name in another shape.
    pub fn new(arch: &Arch, classes: usize, vb: VarBuilder) -> Result<Self> {
        let plan = arch.plan()?;
        if classes == 0 {
            let reason = "a classifier needs at least one class".to_string();
            return Err(Error::InvalidArch { name: arch.name.clone(), reason });
        }
        let settings = BatchNormSettings { eps: arch.bn_eps, momentum: arch.bn_momentum };
        let bn = |channels, name: &str| BatchNorm::new(channels, settings, arch.activation(), &vb.pp(name));
        let norm = bn(plan.stem, "bn1")?;
        let stem = ConvNorm::full(
            arch.channels,
            STEM_KERNEL,
            arch.stem_stride,
            arch.padding,
            norm,
            &vb.pp("conv_stem"),
        )?;

        let total = plan.blocks();
        let mut stages = Vec::new();
        let mut width = plan.stem;
        let mut index = 0;
        let mut padding = arch.padding.after_stride(arch.stem_stride);
        for (s, stage) in plan.stages.iter().enumerate() {
            let mut blocks = Vec::new();
            for (b, block) in stage.iter().enumerate() {
                let drop_path = arch.drop_path * index as f64 / total as f64;
                let vb = vb.pp("blocks").pp(s).pp(b);
                blocks.push(Block::new(block, arch, padding, index, drop_path, &vb)?);
                padding = padding.after_stride(block.stride);
                width = block.output;
                index += 1;
            }
            stages.push(blocks);
        }

        let head = ConvNorm::pointwise(width, bn(plan.head, "bn2")?, &vb.pp("conv_head"))?;
        let classifier =
            Classifier::new(arch.classifier, plan.head, classes, arch.dropout, vb.pp(CLASSIFIER))?;
        let (arch, feature_len, prefix) = (arch.clone(), plan.head, vb.prefix());
        Ok(Self { arch, stem, stages, head, classifier, feature_len, prefix })
    }

    /// The architecture.
    pub fn arch(&self) -> &Arch {
        &self.arch
    }

    /// Length F of the global feature.
    pub fn feature_len(&self) -> usize {
        self.feature_len
    }

    /// Whether the parameter or running statistic of this name, as the `VarBuilder` given to [`EfficientNet::new`] has it, is the
    /// classifier's. All others are the backbone's. A classifier's hidden layer and its norm belong to the classifier.
    ///
    /// A training loop asks this to give classifier and backbone learning rates of their own, or to train one of them alone.
    pub fn is_classifier(&self, name: &str) -> bool {
        let own = match self.prefix.as_str() {
            "" => Some(name),
            prefix => name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.')),
        };
        own.is_some_and(classifier::is_classifier)
    }

    /// A copy of the network for many batches of evaluation, made of the present parameters and running statistics.
    /// [`Mode::Eval`] makes such a copy for each batch.
    ///
    /// # Errors
    /// Candle's. A network that [`EfficientNet::new`] made on the CPU gives no error.
    pub fn evaluator(&self) -> CandleResult<Evaluator> {
        self.clone().into_evaluator()
    }

    /// As [`EfficientNet::evaluator`], for a network that is not needed any more: each block is dropped once its copy is made, so
    /// that both forms are never in memory whole unless the parameters are held elsewhere too.
    ///
    /// # Errors
    /// The errors of [`EfficientNet::evaluator`].
    pub fn into_evaluator(self) -> CandleResult<Evaluator> {
        let ready = |blocks: Vec<Block>| blocks.into_iter().map(|block| block.evaluator()).collect();
        Ok(Evaluator {
            stem: self.stem.evaluator()?,
            stages: self.stages.into_iter().map(ready).collect::<CandleResult<_>>()?,
            head: self.head.evaluator()?,
            classifier: self.classifier.evaluator()?,
        })
    }

    /// Adds the network to an ONNX graph, for square images of `size` pixels a side, and returns the name of its logits.
    pub(crate) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        prefix: &str,
        images: &str,
        size: usize,
    ) -> CandleResult<String> {
        let feature = self.add_features_to(graph, prefix, images, size)?;
        self.classifier.add_to(graph, &format!("{prefix}classifier"), &feature)
    }

    /// Adds the network without its classifier, and returns the name of the global feature.
    pub(crate) fn add_features_to(
        &self,
        graph: &mut GraphBuilder,
        prefix: &str,
        images: &str,
        size: usize,
    ) -> CandleResult<String> {
        let name = |part: &str| format!("{prefix}{part}");
        let mut x = self.stem.add_stem_or_head_to(graph, &name("stem"), images, size)?;
        let mut side = self.arch.padding.outputs(size, STEM_KERNEL, self.arch.stem_stride);
        for (s, blocks) in self.stages.iter().enumerate() {
            for (b, block) in blocks.iter().enumerate() {
                (x, side) = block.add_to(graph, &name(&format!("blocks.{s}.{b}")), &x, side)?;
            }
        }
        let map = self.head.add_stem_or_head_to(graph, &name("head"), &x, side)?;
        let pooled = graph.pool(&name("pool"), &map);
        Ok(graph.flatten(&name("feature"), &pooled))
    }

    /// Images to a map of local features: [N, H, W, 3] -> [N, h, w, F], where h, w are H, W over 32 (16 with a stem
    /// stride of 1), rounded up.
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn encode(&self, images: &Tensor, mode: Mode) -> CandleResult<Tensor> {
        let blocks = self.stages.iter().flatten().map(Part::Block);
        let parts: Vec<Part<'_>> =
            iter::once(Part::Conv(&self.stem)).chain(blocks).chain([Part::Conv(&self.head)]).collect();
        part::forward(&parts, images, mode)
    }

    /// The first step of [`EfficientNet::encode`]: [N, H, W, 3] -> [N, h, w, C].
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn encode_stem(&self, images: &Tensor, mode: Mode) -> CandleResult<Tensor> {
        part::forward(&[Part::Conv(&self.stem)], images, mode)
    }

    /// The next steps of [`EfficientNet::encode`], `stage` from 0 to 6.
    ///
    /// # Errors
    /// If `x` is not the output of the step before, or there is no such stage.
    pub fn encode_stage(&self, x: &Tensor, stage: usize, mode: Mode) -> CandleResult<Tensor> {
        let Some(blocks) = self.stages.get(stage) else {
            candle_core::bail!("stage {stage}: the network has {}", self.stages.len())
        };
        part::forward(&blocks.iter().map(Part::Block).collect::<Vec<_>>(), x, mode)
    }

    /// One block of [`EfficientNet::encode_stage`], counted from 0.
    ///
    /// # Errors
    /// If `x` is not the output of the block before, or there is no such block.
    pub fn encode_block(&self, x: &Tensor, stage: usize, block: usize, mode: Mode) -> CandleResult<Tensor> {
        match self.stages.get(stage).and_then(|blocks| blocks.get(block)) {
            Some(block) => part::forward(&[Part::Block(block)], x, mode),
            None => candle_core::bail!("block {block} of stage {stage}: the network has no such block"),
        }
    }

    /// The last step of [`EfficientNet::encode`]: -> [N, h, w, F].
    ///
    /// # Errors
    /// If `x` is not the output of the last stage.
    pub fn encode_head(&self, x: &Tensor, mode: Mode) -> CandleResult<Tensor> {
        part::forward(&[Part::Conv(&self.head)], x, mode)
    }

    /// Local features to one global feature, by averaging: [N, h, w, F] -> [N, F].
    ///
    /// # Errors
    /// If `map` has another rank.
    pub fn decode(&self, map: &Tensor) -> CandleResult<Tensor> {
        effnet_ops::global_avg_pool(map)
    }

    /// Global feature to a logit a class: [N, F] -> [N, classes].
    ///
    /// # Errors
    /// If `features` has another shape.
    pub fn classify(&self, features: &Tensor, mode: Mode) -> CandleResult<Tensor> {
        self.classifier.forward_t(features, mode)
    }

    /// Images to logits, all three steps: [N, H, W, 3] -> [N, classes].
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn forward_t(&self, images: &Tensor, mode: Mode) -> CandleResult<Tensor> {
        self.classify(&self.decode(&self.encode(images, mode)?)?, mode)
    }

    /// [`EfficientNet::forward_t`] for images in candle's usual layout: [N, 3, H, W] -> [N, classes].
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn forward_nchw(&self, images: &Tensor, mode: Mode) -> CandleResult<Tensor> {
        self.forward_t(&effnet_ops::nchw_to_nhwc(images)?, mode)
    }
}
