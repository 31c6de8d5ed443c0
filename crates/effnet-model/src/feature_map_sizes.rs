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
        let outputs = self.filters().into_iter().map(|filter| {
            side = filter.padding.outputs(side, filter.kernel, filter.stride);
            side
        });
        outputs.take_while(|side| *side > 0).collect()
    }

    /// Whether the padding is that of TensorFlow's SAME for images of [`Arch::size`] pixels.
    pub(crate) fn pads_as_same(&self) -> bool {
        let mut side = self.size;
        self.filters().into_iter().all(|Filter { kernel, stride, padding }| {
            let before = side;
            side = padding.outputs(side, kernel, stride);
            let zeros = |padding: Padding| padding.border(before, kernel, stride);
            side == before.div_ceil(stride) && zeros(padding) == zeros(Padding::Same)
        })
    }

    /// Side, in pixels, of the smallest images that every layer has an output for: 1, unless the padding is fixed.
    pub fn smallest_size(&self) -> usize {
        let filters = self.filters();
        let outputs = |side, filter: &Filter| filter.padding.outputs(side, filter.kernel, filter.stride);
        (1..).find(|size| filters.iter().fold(*size, outputs) > 0).unwrap_or(1)
    }

    /// The convolutions that are larger than 1 x 1: the stem, and the depthwise one of each block.
    fn filters(&self) -> Vec<Filter> {
        let mut padding = self.padding;
        let stem = (STEM_KERNEL, self.stem_stride);
        let plan = Plan::new(self);
        let blocks = plan.stages.iter().flatten().map(|block| (block.kernel, block.stride));
        let filters = [stem].into_iter().chain(blocks).map(|(kernel, stride)| {
            let filter = Filter { kernel, stride, padding };
            padding = padding.after_stride(stride);
            filter
        });
        filters.collect()
    }
}

struct Filter {
    kernel: usize,
    stride: usize,
    padding: Padding,
}
