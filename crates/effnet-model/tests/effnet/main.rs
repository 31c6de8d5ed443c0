//! The crate against its references: timm 1.0 and PyTorch 2.x (`tests/golden`), the published tables, and files that
//! lie.

mod family;
mod formula;
mod hostile;
mod lite0;
mod model;
mod network;
mod pretrained;
mod pth;
mod reference;
mod training;
