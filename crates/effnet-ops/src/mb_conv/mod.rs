//! The inverted residual block (MobileNetV2, arXiv 1801.04381; with squeeze and excitation "MBConv") in training, as a layer
//! of [`crate::sequence_train`].
//!
//! ```text
//! expansion            c1 = x We^T               y1 = f(norm(c1))      (a block without one: y1 = x)
//! depthwise            c2 = depthwise(y1, Wd)    y2 = f(norm(c2))
//! squeeze-excitation   g = sigmoid(W2 swish(W1 mean(y2) + b1) + b2)    (a block without one: g = 1)
//! projection           c3 = (y2 g) Wp^T          y = norm(c3)
//! skip                 y d + x                                         (where the shape is kept), d of drop path
//! ```
//!
//! The formulas and derivatives are those of [`crate::pointwise_conv`], [`crate::depthwise_conv`],
//! [`crate::batch_norm_train`] and [`crate::squeeze_excitation`] one after another. One operation is faster: candle never sees
//! the expanded tensors, which are nearly all of a network's memory traffic, and its backward pass would read and write each
//! gradient twice more; y1 and y2 are not saved, but computed again; and gradients are updated in place.

mod backward;
mod by_candle;
mod forward;
mod geometry;
mod layer;
mod params;

pub use params::MbConv;
