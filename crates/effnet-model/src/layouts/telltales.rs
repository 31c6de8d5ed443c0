//! The names by which a network is known under any prefix.

use super::{lukemelas, torchvision};

/// timm's name of the stem's weight.
pub(super) const STEM: &str = "conv_stem.weight";

/// The names of the stem's weight and of one of the first block's, in each library.
pub(crate) const TELLTALES: [[&str; 2]; 3] = [
    [STEM, "blocks.0.0.conv_dw.weight"],
    [lukemelas::STEM, "_blocks.0._depthwise_conv.weight"],
    [torchvision::STEM, "features.1.0.block.0.0.weight"],
];
