//! An architecture worked out to channels and strides. A network is built from its plan, and its cost is counted from it.

use crate::arch::{Arch, ClassifierKind, Variant};
use crate::table::{B0, HEAD, SQUEEZE, STEM, STEM_KERNEL};

/// Every width, kernel and stride of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Channels of the images.
    pub channels: usize,
    /// Channels of the stem convolution.
    pub stem: usize,
    /// The blocks of each stage, in order.
    pub stages: Vec<Vec<BlockPlan>>,
    /// Channels of the head convolution: length of the global feature.
    pub head: usize,
}

/// One inverted residual block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockPlan {
    /// Channels in.
    pub input: usize,
    /// Channels of the depthwise convolution: input times the expansion factor.
    pub hidden: usize,
    /// Channels out.
    pub output: usize,
    /// Side of the depthwise kernel.
    pub kernel: usize,
    /// Stride of the depthwise convolution.
    pub stride: usize,
    /// Channels that squeeze and excitation reduces to, where there is one.
    pub squeeze: Option<usize>,
}

impl BlockPlan {
    /// Whether the block has an expansion. The blocks of the first stage have none.
    pub fn expands(&self) -> bool {
        self.hidden != self.input
    }

    /// Whether the input is added to the output.
    pub fn has_skip(&self) -> bool {
        self.stride == 1 && self.input == self.output
    }

    /// Trainable numbers of the block.
    pub fn parameters(&self) -> usize {
        let bn = |channels: usize| 2 * channels;
        let expansion = if self.expands() { self.input * self.hidden + bn(self.hidden) } else { 0 };
        let depthwise = self.kernel * self.kernel * self.hidden + bn(self.hidden);
        let squeeze = self.squeeze.map_or(0, |s| 2 * s * self.hidden + s + self.hidden);
        expansion + depthwise + squeeze + self.hidden * self.output + bn(self.output)
    }
}

impl Plan {
    /// Scales B0's table. Lite leaves stem, head, and the repeats of the first and the last stage as they are
    /// (`fix_head_stem` of the reference implementation), and has no squeeze and excitation.
    pub(crate) fn new(arch: &Arch) -> Self {
        let scaling = &arch.scaling;
        let lite = arch.variant == Variant::Lite;
        let stem_or_head = |base| if lite { base } else { scaling.channels(base) };
        let stem = stem_or_head(STEM);
        let mut input = stem;
        let last = B0.len() - 1;
        let stage = |(index, stage): (usize, &crate::table::Stage)| {
            let output = scaling.channels(stage.output);
            let fixed = lite && (index == 0 || index == last);
            let layers = if fixed { stage.layers } else { scaling.layers(stage.layers) };
            let block = |layer| {
                let block = BlockPlan {
                    input,
                    hidden: input * stage.expand,
                    output,
                    kernel: stage.kernel,
                    stride: if layer == 0 { stage.stride } else { 1 },
                    squeeze: (!lite).then_some((input / SQUEEZE).max(1)),
                };
                input = output;
                block
            };
            (0..layers).map(block).collect()
        };
        Self {
            channels: arch.channels,
            stem,
            stages: B0.iter().enumerate().map(stage).collect(),
            head: stem_or_head(HEAD),
        }
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.stages.iter().map(Vec::len).sum()
    }

    /// Number of trainable numbers of the backbone: all layers but the classifier.
    pub fn backbone_parameters(&self) -> usize {
        let stem = STEM_KERNEL * STEM_KERNEL * self.channels * self.stem + 2 * self.stem;
        let blocks: usize = self.stages.iter().flatten().map(BlockPlan::parameters).sum();
        let last = self.stages.last().and_then(|s| s.last()).map_or(self.stem, |b| b.output);
        stem + blocks + last * self.head + 2 * self.head
    }
}

impl ClassifierKind {
    /// Trainable numbers of a classifier of `classes` on features of length `features`.
    pub fn parameters(self, features: usize, classes: usize) -> usize {
        let linear = |input: usize, output: usize| input * output + output;
        match self {
            Self::Linear => linear(features, classes),
            Self::Mlp { hidden } => linear(features, hidden) + 2 * hidden + linear(hidden, classes),
        }
    }
}
