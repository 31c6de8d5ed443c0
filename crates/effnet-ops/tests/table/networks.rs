//! The shapes of B0 (Tan and Le, arXiv 1905.11946, table 1) and of Lite0, whose stages are the same without gates.

use effnet_ops::Padding;

use super::slow::Window;

/// A size of images.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scale {
    /// One image of 224 px.
    Large,
    /// Four images of 32 px, and more where that gives fewer than 32 pixels: of a few rows a variance can be near 0, and what is
    /// divided by it mostly rounding.
    Small,
}

impl Scale {
    pub(crate) const ALL: [Self; 2] = [Self::Large, Self::Small];

    fn side(self) -> usize {
        match self {
            Self::Large => 224,
            Self::Small => 32,
        }
    }
}

fn images(scale: Scale, side: usize) -> usize {
    const PIXELS: usize = 32;
    let images = match scale {
        Scale::Large => 1,
        Scale::Small => 4,
    };
    images.max(PIXELS.div_ceil(side * side))
}

/// A block that a stage of B0 begins with, or goes on with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stage {
    /// The network's images are this many times as large as the block's input along a side.
    reduction: usize,
    pub(crate) input: usize,
    pub(crate) hidden: usize,
    pub(crate) output: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    /// Channels within the gate: a quarter of the block's input.
    pub(crate) reduced: usize,
}

const fn stage(reduction: usize, widths: [usize; 3], kernel: usize, stride: usize, reduced: usize) -> Stage {
    let [input, hidden, output] = widths;
    Stage { reduction, input, hidden, output, kernel, stride, reduced }
}

/// Each shape of a block once.
pub(crate) const STAGES: [Stage; 12] = [
    stage(2, [32, 32, 16], 3, 1, 8),
    stage(2, [16, 96, 24], 3, 2, 4),
    stage(4, [24, 144, 24], 3, 1, 6),
    stage(4, [24, 144, 40], 5, 2, 6),
    stage(8, [40, 240, 40], 5, 1, 10),
    stage(8, [40, 240, 80], 3, 2, 10),
    stage(16, [80, 480, 80], 3, 1, 20),
    stage(16, [80, 480, 112], 5, 1, 20),
    stage(16, [112, 672, 112], 5, 1, 28),
    stage(16, [112, 672, 192], 5, 2, 28),
    stage(32, [192, 1152, 192], 5, 1, 48),
    stage(32, [192, 1152, 320], 3, 1, 48),
];

impl Stage {
    /// [N, H, W] of the block's input.
    pub(crate) fn images(self, scale: Scale) -> [usize; 3] {
        let side = scale.side() / self.reduction;
        [images(scale, side), side, side]
    }

    /// The depthwise convolution.
    pub(crate) fn window(self, scale: Scale) -> Window {
        let [n, h, w] = self.images(scale);
        let Self { kernel, stride, .. } = self;
        Window { dims: [n, h, w, self.hidden], kernel, stride, padding: Padding::Same }
    }

    /// What the depthwise convolution gives.
    pub(crate) fn filtered(self, scale: Scale) -> [usize; 4] {
        let window = self.window(scale);
        let [h, w] = window.outputs();
        [window.dims[0], h, w, self.hidden]
    }
}

/// The stem's convolution, to [`STEM`] channels.
pub(crate) fn stem(scale: Scale) -> Window {
    let side = scale.side();
    let dims = [images(scale, side), side, side, 3];
    Window { dims, kernel: 3, stride: 2, padding: Padding::Same }
}

pub(crate) const STEM: usize = 32;

/// The head's input, which becomes [`FEATURES`] channels.
pub(crate) fn head(scale: Scale) -> [usize; 4] {
    let side = scale.side() / 32;
    [images(scale, side), side, side, 320]
}

pub(crate) const FEATURES: usize = 1280;
