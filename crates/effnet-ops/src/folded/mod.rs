//! Convolutions for evaluation, made ready once for many images: batch norm by fixed statistics is part of the weights, and
//! these lie as the kernels read them.
//!
//! ```text
//! y = f(weight (conv(x, W) - mean) / sqrt(var + eps) + bias) = f(conv(x, W s) + bias - mean s),   s = weight / sqrt(var + eps)
//! ```
//!
//! What is made ready is a copy: it does not follow the parameters when they change, and has no gradient. Each image has the
//! same bits alone, in any batch, and for any number of threads ([`packed`]).

mod by_candle;
mod conv;
mod mb_conv;
mod packed;
mod parts;
mod tiled_mb_conv;
mod weights;

pub use conv::FoldedConv;
pub use mb_conv::FoldedMbConv;
pub use parts::FoldedParts;
pub use weights::Folded;
