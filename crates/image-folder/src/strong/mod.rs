//! Strong augmentation: changes of an image's colour and shape, by published policies.
//!
//! | file | holds |
//! |---|---|
//! | `policy` | the operations that a view gets: AutoAugment's CIFAR-10 policy, RandAugment |
//! | `magnitude` | the strength of an operation at each of a policy's bins |
//! | `operation` | the operations, each of which is in one of the following files |
//! | `table` | operations that map each value to another by a table |
//! | `blend` | operations that blend the image with a degenerate one: brightness, contrast, colour, sharpness |
//! | `affine` | operations that move pixels: shear, translation, rotation |
//!
//! The operations have the bits of Pillow's, as torchvision's `AutoAugment` and `RandAugment` call them.

mod affine;
mod blend;
mod magnitude;
mod operation;
mod policy;
mod table;

pub use operation::Operation;
pub use policy::Policy;
