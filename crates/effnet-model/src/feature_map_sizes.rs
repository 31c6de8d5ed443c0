//! Sizes of the feature maps of a square image.

use effnet_ops::Padding;

use crate::arch::Arch;
use crate::plan::Plan;
use crate::table::STEM_KERNEL;

impl Arch {
    /// Sides, in pixels, of the feature maps after the stem and after each block, in order, for images of [`Arch::size`] pixels.
    /// The list ends early if the padding is fixed and the image too small for it: the layers after that have no output.
    ///
    /// ```
    /// let b0 = effnet_model::Arch::by_name("b0")?;
    /// assert_eq!(b0.feature_map_sizes(), [112, 112, 56, 56, 28, 28, 14, 14, 14, 14, 14, 14, 7, 7, 7, 7, 7]);
    /// # Ok::<(), effnet_model::Error>(())
    /// ```
    pub fn feature_map_sizes(&self) -> Vec<usize> {
        let mut side = self.size;
        let outputs = self.convolutions().into_iter().map(|conv| {
            side = conv.padding.outputs(side, conv.kernel, conv.stride);
            side
        });
        outputs.take_while(|side| *side > 0).collect()
    }

    /// Whether the padding is that of TensorFlow's SAME for images of [`Arch::size`] pixels.
    pub(crate) fn pads_as_same(&self) -> bool {
        let mut side = self.size;
        self.convolutions().into_iter().all(|Convolution { kernel, stride, padding }| {
            let before = side;
            side = padding.outputs(side, kernel, stride);
            let zeros = |padding: Padding| padding.border(before, kernel, stride);
            side == before.div_ceil(stride) && zeros(padding) == zeros(Padding::Same)
        })
    }

    /// Side, in pixels, of the smallest images that every layer has an output for: 1, unless the padding is fixed.
    pub fn smallest_size(&self) -> usize {
        let convolutions = self.convolutions();
        let outputs = |side, conv: &Convolution| conv.padding.outputs(side, conv.kernel, conv.stride);
        (1..).find(|size| convolutions.iter().fold(*size, outputs) > 0).unwrap_or(1)
    }

    /// The convolutions that are larger than 1 x 1: the stem, and the depthwise one of each block.
    fn convolutions(&self) -> Vec<Convolution> {
        let mut padding = self.padding;
        let stem = (STEM_KERNEL, self.stem_stride);
        let plan = Plan::new(self);
        let blocks = plan.stages.iter().flatten().map(|block| (block.kernel, block.stride));
        let convolutions = [stem].into_iter().chain(blocks).map(|(kernel, stride)| {
            let convolution = Convolution { kernel, stride, padding };
            padding = padding.after_stride(stride);
            convolution
        });
        convolutions.collect()
    }
}

struct Convolution {
    kernel: usize,
    stride: usize,
    padding: Padding,
}
