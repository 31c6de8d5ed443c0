//! A model as ONNX: the graph that [`crate::SavedModel::logits`] computes, with batch norm folded into the convolutions.
//!
//! | file | holds |
//! |---|---|
//! | `proto` | the protocol buffers |
//! | `graph` | operations to nodes |
//! | `model` | the file: networks, their mean, metadata |
//!
//! The graph is for one size of images, since SAME padding depends on it, and for any number of them.

mod graph;
mod model;
mod proto;
#[cfg(test)]
mod tests;

pub(crate) use graph::{ConvGeometry, GraphBuilder};
pub use model::{OPSET, save_heads_onnx, save_onnx};
