//! Whose names a file's tensors have. The network's own are timm's; one file a library maps another's to them.

mod layout;
mod lukemelas;
mod telltales;
mod torchvision;

pub use layout::Layout;
pub(crate) use layout::{TORCHVISION_LARGE, names, with_module};
pub(crate) use telltales::TELLTALES;
pub(crate) use torchvision::from_timm as torchvision_from_timm;
