//! Whose names a file's tensors have. The network's own are timm's; one file a library maps another's to them.

mod lukemelas;

use std::collections::HashMap;

use candle_core::Tensor;

use crate::plan::Plan;

/// A library's way of naming an EfficientNet's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// timm's, plain and `tf_` alike; ours too.
    Timm,
    /// lukemelas's EfficientNet-PyTorch, and efficientnet_lite_pytorch.
    Lukemelas,
}

impl Layout {
    /// Tells the layout by the name of the stem's weight.
    pub(crate) fn detect<'a>(names: impl IntoIterator<Item = &'a String>) -> Option<Self> {
        names.into_iter().find_map(|name| match name.as_str() {
            "conv_stem.weight" => Some(Self::Timm),
            lukemelas::STEM => Some(Self::Lukemelas),
            _ => None,
        })
    }
}

/// PyTorch's counters of batches, which are no weights. Most files keep them as integers, one that was halved as a
/// whole as floats.
const COUNTER: &str = ".num_batches_tracked";

/// The tensors under timm's names, without batch counters. A name that the layout doesn't have stays as it is, to be
/// reported as it stands in the file.
pub(crate) fn rename(
    layout: Layout,
    tensors: HashMap<String, Tensor>,
    plan: &Plan,
) -> HashMap<String, Tensor> {
    let renamed = |name: String| match layout {
        Layout::Timm => name,
        Layout::Lukemelas => lukemelas::to_timm(&name, plan).unwrap_or(name),
    };
    let weights = tensors.into_iter().filter(|(name, _)| !name.ends_with(COUNTER));
    weights.map(|(name, tensor)| (renamed(name), tensor)).collect()
}
