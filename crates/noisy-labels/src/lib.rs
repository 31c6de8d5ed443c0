#![doc = include_str!("../README.md")]
//!
//! The decision behind the crate: it holds arithmetic alone. No network, no file, no generator of its own: a caller
//! brings logits, losses, labels and a seeded generator, and gets numbers back. So any trainer can use it, also one
//! without candle (`default-features = false`), and every function can be held against a published reference.
//!
//! | module | holds | needs candle |
//! |---|---|---|
//! | `soft` | one-hot, label smoothing, sharpening, co-refinement, co-guessing | yes |
//! | [`mixup`] | the draw of a mix, and mixing a batch | the mixing |
//! | [`losses`] | L_X, L_U, L_reg, the confidence penalty, cross entropy per sample; the ramp of lambda_u | all but the ramp |
//! | [`mixture`] | two Gaussians fitted to per-sample losses | |
//! | [`division`] | labeled and unlabeled samples, by one mixture or by class, with every degenerate case defined | |
//! | [`history`] | losses averaged over the last epochs, for very high noise | |
//! | [`predictions`] | predictions averaged over the last epochs, to relabel by | |
//! | [`noise`] | wrong labels made: by chance, by the class, by the image; and how wrong labels are, measured or estimated | |
//! | [`metrics`] | accuracy, AUC, average precision, F1, confusion, calibration | |
//! | [`evidence`] | how many labels are wrong, as far as predictions can tell, with a range or a reason why not | |
//! | [`quality`] | how trustworthy each label is; which are issues | |

mod class_division;
pub mod division;
mod error;
pub mod evidence;
pub mod history;
pub mod losses;
pub mod metrics;
pub mod mixture;
pub mod mixup;
pub mod noise;
pub mod predictions;
pub mod quality;
#[cfg(feature = "candle")]
pub mod soft;

pub use error::{Error, Result};
