#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! One folder an operation: `mod.rs` holds the formula with its derivative, the shapes and the
//! candle op; `cpu.rs` the arithmetic. In training the layers of `conv_norm` and `mb_conv` (what both keep of a batch norm:
//! `normed`) are one operation, `sequence`. Below them: `channels` and `elementwise` (the two loops that most operations
//! are), `many` (operations with many parameters, whose gradients [`backward()`] takes), `matmul`, `blocks` (products on the
//! way from one pass to the next), `simd` and [`dispatch`] (instruction sets), `parallel` (the same bits for any number of
//! threads) on `crew` (who does which piece), `denormals` (which count as zeros), `host` (slices from tensors).
//!
//! The one decision behind it: tensors are NHWC, so the channels of a pixel lie side by side, and
//! everything here (a depthwise filter, a statistic, a gate) is a loop over channels that a vector
//! unit takes eight or sixteen at a time, whatever the height and width.

mod activation;
mod add;
mod average;
mod backward;
mod batch_norm;
mod blocks;
mod channels;
mod conv2d;
mod conv_norm;
mod crew;
mod denormals;
mod depthwise_conv;
pub mod dispatch;
mod drop;
mod elementwise;
mod error;
mod folded;
mod host;
mod layout;
mod linear;
mod many;
mod matmul;
mod mb_conv;
mod normed;
mod parallel;
mod pointwise_conv;
mod pool;
mod sequence;
mod sgd;
mod sigmoid;
mod simd;
#[cfg(test)]
mod simd_twins;
mod squeeze_excitation;
mod swish;
mod window;

pub use activation::{Activation, activate};
pub use add::add;
pub use average::{Averaged, average_step};
pub use backward::backward;
pub use batch_norm::{BatchStatistics, batch_norm_eval, batch_norm_train};
pub use conv_norm::{ConvNorm, ConvNormAct};
pub use conv2d::conv2d;
pub use depthwise_conv::depthwise_conv;
pub use drop::{DropPath, drop_path, dropout};
pub use error::Error;
pub use folded::{Folded, FoldedConv, FoldedMbConv, FoldedParts};
pub use layout::{nchw_to_nhwc, nhwc_to_nchw};
pub use linear::linear;
pub use mb_conv::MbConv;
pub use pointwise_conv::pointwise_conv;
pub use pool::global_avg_pool;
pub use sequence::{Layer, sequence_train};
pub use sgd::{Moved, Sgd, sgd_step};
pub use squeeze_excitation::{SqueezeExcitation, squeeze_excitation};
pub use swish::{swish, swish_learnable};
pub use window::Padding;
