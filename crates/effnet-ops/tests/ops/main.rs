//! Each operation against a slow, obvious twin in f64, and its gradients against finite differences
//! of the twin: on every instruction set of this processor.

mod activation;
mod batch_norm;
mod conv2d;
mod depthwise_conv;
mod drop;
mod errors;
mod layout;
mod linear;
mod pool;
mod sgd;
mod squeeze_excitation;
mod support;
mod threads;
