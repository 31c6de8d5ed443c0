#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! One folder an operation: `mod.rs` holds the formula with its derivative, the shapes and the
//! candle op; `cpu.rs` the arithmetic. In training the layers of `conv_norm` and `mb_conv` (the trait of both: `layer`) are
//! one operation, `sequence`. Below them: `channels` and `elementwise` (the two loops that most operations are),
//! `multi_input_op` (operations with many parameters, whose gradients [`backward()`] takes), `matmul`, `fused_matmul` and
//! `row_source` (products whose arguments are computed a few rows at a time), `simd` and [`dispatch`] (instruction sets),
//! `parallel` (the same bits for any number of threads) on `fork_join` (which thread does which piece), `denormals` (which
//! numbers count as zeros), `host` (slices from tensors).
//!
//! Where a tensor is not on the CPU, operations are candle's own: [`by_candle()`], and `by_candle.rs` in an operation's folder.
//!
//! The one decision is that tensors are NHWC, so the channels of a pixel lie side by side, and
//! everything here (a depthwise filter, a statistic, a gate) is a loop over channels that a vector
//! unit takes eight or sixteen at a time, whatever the height and width.

mod activation;
mod add;
mod backward;
mod batch_norm;
mod by_candle;
mod channels;
mod conv2d;
mod conv_norm;
mod denormals;
mod depthwise_conv;
pub mod dispatch;
mod drop;
mod elementwise;
mod ema;
mod error;
mod folded;
mod fork_join;
mod fused_matmul;
mod host;
mod layer;
mod layout;
mod linear;
mod matmul;
mod mb_conv;
mod multi_input_op;
mod parallel;
mod pointwise_conv;
mod pool;
mod row_source;
mod sequence;
mod sgd;
mod sigmoid;
mod simd;
#[cfg(test)]
mod simd_reference;
mod squeeze_excitation;
mod swish;
mod window;

pub use activation::{Activation, activate};
pub use add::add;
pub use backward::backward;
pub use batch_norm::{batch_norm_eval, batch_norm_train, statistics::BatchStatistics};
pub use by_candle::by_candle;
pub use candle_core as candle;
pub use conv_norm::{ConvNorm, ConvNormAct};
pub use conv2d::conv2d;
/// Whether NVIDIA's libraries are there. With it among the dependencies a program starts without them.
#[cfg(feature = "cuda")]
pub use cuda_delayed;
pub use depthwise_conv::depthwise_conv;
pub use drop::{DropPath, drop_path, dropout};
pub use ema::{EmaParam, ema_step};
pub use error::Error;
pub use folded::{Folded, FoldedConv, FoldedMbConv, FoldedParts};
pub use layout::{nchw_to_nhwc, nhwc_to_nchw};
pub use linear::linear;
pub use mb_conv::MbConv;
pub use pointwise_conv::pointwise_conv;
pub use pool::global_avg_pool;
pub use sequence::{Layer, sequence_train};
pub use sgd::{Sgd, SgdParam, sgd_step};
pub use squeeze_excitation::{SqueezeExcitation, squeeze_excitation};
pub use swish::{swish, swish_learnable};
pub use window::Padding;
