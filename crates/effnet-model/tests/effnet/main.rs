//! The crate against its references: timm 1.0 and PyTorch 2.x (`tests/golden`), the published tables, and files that
//! lie.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

mod archive;
mod by_candle;
mod channels;
mod checkpoint;
mod cost;
mod elements;
mod family;
mod foreign;
mod formula;
mod hollow;
mod hostile;
mod identify;
mod lite0;
mod metadata;
mod model;
mod network;
mod other_network;
mod pretrained;
mod pth;
mod reference;
mod search;
mod sizes;
mod training;
