#![doc = include_str!("../README.md")]
//!
//! # How it is built
//!
//! The crate holds arithmetic alone. It has no network, no file and no generator of its own: a caller
//! brings logits, losses, labels and a seeded generator, and gets numbers back. So any trainer can use it, also one
//! without candle (`default-features = false`), and every function can be compared with a published reference.
//!
//! | module | holds | needs candle |
//! |---|---|---|
//! | [`ClassTable`] | logits, probabilities or scores of samples by classes, with softmax, argmax and mean | |
//! | [`Features`] | features of samples, read row by row; of several networks side by side | |
//! | [`ClassPairs`] | counts and shares by pairs of classes, sparse | |
//! | `soft` | one-hot labels, label smoothing, sharpening, co-refinement, co-guessing | yes |
//! | [`mixup`] | the draw of a mix, and the mixing of a batch | the mixing |
//! | [`losses`] | L_X, L_U, L_reg and the other methods' losses; cross entropy per sample; the ramp of lambda_u | all but the last two |
//! | [`mixture`] | two Gaussians fitted to normalised losses | |
//! | [`division`] | labeled and unlabeled samples, by one mixture or by one a class, with every degenerate case defined | |
//! | [`history`] | losses averaged over the last epochs, for very high noise | |
//! | [`predictions`] | predictions averaged over the last epochs, to relabel by | |
//! | [`noise`] | wrong labels made, by chance, by the class or by the image; and measured or estimated | |
//! | [`metrics`] | accuracy, AUC, average precision, F1, confusion, calibration | |
//! | [`evidence`] | how many labels are wrong, with a range, or the reason why predictions do not tell | |
//! | [`quality`] | how trustworthy each label is, and which labels are issues | |

/// The crate of the tensors in signatures.
#[cfg(feature = "candle")]
pub use candle_core as candle;

mod cholesky;
mod class_pairs;
mod class_table;
pub mod division;
mod error;
pub mod evidence;
mod features;
mod folds;
mod gram;
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

pub use class_pairs::{ClassPairs, MOST_CLASSES_OF_A_FULL_MATRIX};
pub use class_table::{ClassTable, argmax, elementwise_mean, softmax};
pub use error::{Error, Result};
pub use features::Features;
pub use quality::find_label_issues;
