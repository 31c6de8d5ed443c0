//! The losses of DivideMix (Li, Socher & Hoi 2020, section 3.3) and of the methods it is compared with, differentiable through
//! candle; the losses that samples are divided by; and the schedule of lambda_u.
//!
//! All take logits, never probabilities. The logarithm of a softmax is computed with the largest logit subtracted, so no
//! confident network can turn a loss into infinity or a gradient into NaN.

#[cfg(feature = "candle")]
mod correction;
#[cfg(feature = "candle")]
mod cross_entropy;
#[cfg(feature = "candle")]
mod distillation;
#[cfg(feature = "candle")]
mod log_softmax;
mod per_sample;
mod ramp;
#[cfg(feature = "candle")]
mod tensor;

#[cfg(feature = "candle")]
pub use correction::{backward_correction, forward_correction};
#[cfg(feature = "candle")]
pub use cross_entropy::{cross_entropy, cross_entropy_by_candle};
#[cfg(feature = "candle")]
pub use distillation::distillation;
#[cfg(feature = "candle")]
pub use log_softmax::log_softmax;
pub use per_sample::cross_entropy_per_sample;
pub use ramp::lambda_u_ramp;
#[cfg(feature = "candle")]
pub use tensor::{negative_entropy, prior_loss, unlabeled_loss};
