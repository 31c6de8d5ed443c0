//! What the loop does, seen from outside.
//!
//! | module | covers |
//! |---|---|
//! | `training` | DivideMix and plain training, determinism, warnings, patience, averaged weights |
//! | `methods`, `ablations` | the other methods, and DivideMix without one of its parts |
//! | `candle_path` | every method by candle's operations alone, held against the fused ones; f64 |
//! | `checkpoints` | stopping and going on; what is refused |
//! | `draws`, `strong_views` | epochs of a part of the samples; which views are trained on |
//! | `sure` | samples whose label is known to be right |
//! | `work`, `prefetch` | the work that is counted beforehand; things made ahead of use |
//! | `own_model`, `own_method` | examples, small |
//! | `effnet` | the networks of effnet-model |
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod ablations;
mod candle_path;
mod checkpoints;
mod draws;
#[cfg(feature = "effnet")]
mod effnet;
mod gaussian_blobs;
mod methods;
mod own_method;
mod own_model;
mod prefetch;
mod strong_views;
mod sure;
mod training;
mod work;
