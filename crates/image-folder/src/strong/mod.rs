//! Strong augmentation: images changed in colour and shape, by policies that others found and published.
//!
//! | file | holds |
//! |---|---|
//! | `policy` | which operations a view gets: AutoAugment's CIFAR-10 policy, RandAugment |
//! | `magnitude` | how much of an operation there is at each of a policy's bins |
//! | `operation` | the operations, of which each is one of the following |
//! | `table` | a value becomes another, by a table: what needs no neighbours |
//! | `blend` | an image towards or away from a worse one: brightness, contrast, colour, sharpness |
//! | `affine` | pixels go elsewhere: shear, translation, rotation |
//!
//! Operations are those of Pillow, to the bit, as torchvision's `AutoAugment` and `RandAugment` call them.

mod affine;
mod blend;
mod magnitude;
mod operation;
mod policy;
mod table;

pub use operation::Operation;
pub use policy::Policy;
