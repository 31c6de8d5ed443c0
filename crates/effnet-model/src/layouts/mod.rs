//! Whose names a file's tensors have. The network's own are timm's; one file a library maps another's to them.

mod lukemelas;
mod torchvision;

use std::collections::HashMap;

use candle_core::Tensor;
use effnet_ops::Padding;

use crate::arch::Arch;
use crate::plan::Plan;

/// A library's way of naming an EfficientNet's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// timm's, plain and `tf_` alike; ours too.
    Timm,
    /// lukemelas's EfficientNet-PyTorch, and efficientnet_lite_pytorch.
    Lukemelas,
    /// torchvision's.
    Torchvision,
}

/// Members from this width on (B5) have TensorFlow's batch norms in torchvision.
const TORCHVISION_LARGE: f64 = 1.6;

impl Layout {
    /// Tells the layout by the name of the stem's weight.
    pub(crate) fn detect<'a>(names: impl IntoIterator<Item = &'a String>) -> Option<Self> {
        names.into_iter().find_map(|name| match name.as_str() {
            "conv_stem.weight" => Some(Self::Timm),
            lukemelas::STEM => Some(Self::Lukemelas),
            torchvision::STEM => Some(Self::Torchvision),
            _ => None,
        })
    }

    /// The member as this library computes it, where the library has one way: padding and the numbers of batch norm.
    /// timm has two, of which the member's name says one.
    pub fn flavour(self, arch: &Arch) -> Arch {
        let (padding, bn_eps, bn_momentum) = match self {
            Self::Timm => return arch.clone(),
            Self::Lukemelas => (Padding::Same, 1e-3, 0.01),
            Self::Torchvision if arch.scaling.width < TORCHVISION_LARGE => (Padding::Symmetric, 1e-5, 0.1),
            Self::Torchvision => (Padding::Symmetric, 1e-3, 0.01),
        };
        Arch { padding, bn_eps, bn_momentum, ..arch.clone() }
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
    let modules = match layout {
        Layout::Torchvision => torchvision::to_timm(plan),
        Layout::Timm | Layout::Lukemelas => HashMap::new(),
    };
    let renamed = |name: String| match layout {
        Layout::Timm => name,
        Layout::Lukemelas => lukemelas::to_timm(&name, plan).unwrap_or(name),
        Layout::Torchvision => with_module(&name, &modules).unwrap_or(name),
    };
    let weights = tensors.into_iter().filter(|(name, _)| !name.ends_with(COUNTER));
    weights.map(|(name, tensor)| (renamed(name), tensor)).collect()
}

/// The name of a parameter whose module has another name.
fn with_module(name: &str, modules: &HashMap<String, String>) -> Option<String> {
    let (module, parameter) = name.rsplit_once('.')?;
    Some(format!("{}.{parameter}", modules.get(module)?))
}
