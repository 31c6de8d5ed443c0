//! EfficientNet-B0 as data: Table 1 of Tan & Le, "EfficientNet", ICML 2019 (arXiv 1905.11946).
//!
//! Every other member of the family is this table, scaled.

/// One row of the table: a stage, whose blocks have one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// Expansion factor: channels of the depthwise convolution over channels of the block's input. 1 is no expansion.
    pub expand: usize,
    /// Side of the depthwise kernel, pixels.
    pub kernel: usize,
    /// Channels into the stage.
    pub input: usize,
    /// Channels out of each of its blocks.
    pub output: usize,
    /// Stride of the first block; the others have 1.
    pub stride: usize,
    /// Blocks.
    pub layers: usize,
}

/// Channels of the stem convolution.
pub const STEM: usize = 32;

/// Side of the stem convolution.
pub const STEM_KERNEL: usize = 3;

/// Channels of the head convolution, 1x1: the length of the global feature.
pub const HEAD: usize = 1280;

/// Side of B0's input images, pixels.
pub const SIZE: usize = 224;

/// Squeeze and excitation reduces to this part of the block's input channels (1 / `SQUEEZE`).
pub const SQUEEZE: usize = 4;

/// The seven stages.
#[rustfmt::skip]
pub const B0: [Stage; 7] = [
    Stage { expand: 1, kernel: 3, input:  32, output:  16, stride: 1, layers: 1 },
    Stage { expand: 6, kernel: 3, input:  16, output:  24, stride: 2, layers: 2 },
    Stage { expand: 6, kernel: 5, input:  24, output:  40, stride: 2, layers: 2 },
    Stage { expand: 6, kernel: 3, input:  40, output:  80, stride: 2, layers: 3 },
    Stage { expand: 6, kernel: 5, input:  80, output: 112, stride: 1, layers: 3 },
    Stage { expand: 6, kernel: 5, input: 112, output: 192, stride: 2, layers: 4 },
    Stage { expand: 6, kernel: 3, input: 192, output: 320, stride: 1, layers: 1 },
];
