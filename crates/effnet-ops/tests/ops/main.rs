//! Each operation against a slow, obvious reference in f64, and its gradients against finite differences
//! of the reference: on every instruction set of this processor.

#![allow(
    clippy::unwrap_used,
    reason = "in a test, a failure may panic; the lint knows only functions marked #[test]"
)]

mod activation;
mod backward;
mod batch_norm;
mod conv2d;
#[cfg(target_arch = "x86_64")]
mod denormals;
mod depthwise_conv;
mod drop;
mod ema;
mod errors;
mod folded;
mod layout;
mod linear;
mod mb_conv;
mod own_network;
mod pool;
mod public_names;
mod rows;
mod sequence;
mod sgd;
mod squeeze_excitation;
mod support;
#[path = "../table/mod.rs"]
mod table;
mod threads;
