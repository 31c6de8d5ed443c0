//! Whose names a file's tensors have. The network's own are timm's; one file a library maps another's to them.

mod layout;
mod lukemelas;
mod torchvision;

pub use layout::Layout;
pub(crate) use layout::{TELLTALES, TORCHVISION_LARGE, names, with_module};
pub(crate) use torchvision::from_timm as torchvision_from_timm;
