#![doc = include_str!("../README.md")]
//!
//! # The one decision
//!
//! The family is *data*: [`table::B0`], a [`Scaling`] and a handful of numbers in [`Arch`] in which published flavours
//! differ. One builder makes every member from them, so B7 is no code, and neither is a network for 32-pixel images.
//!
//! Inside, tensors are NHWC, as images are decoded; [`EfficientNet::forward_nchw`] is the door for candle's layout.
//! Weights keep PyTorch's layout and timm's names, in memory as on disk.

mod arch;
mod arch_name;
mod block;
mod card;
mod check;
mod classifier;
mod cost;
mod error;
mod evaluator;
mod export;
mod feature_map_sizes;
mod figure;
mod identify;
mod joined;
mod layers;
mod layouts;
mod members;
mod metadata;
mod mode;
mod network;
mod onnx;
mod other_network;
mod part;
mod plan;
mod preprocessing;
mod pretrained;
mod saved;
mod scaling;
mod search;
mod shapes;
mod side_by_side;
mod store;
pub mod table;
mod timm_config;
mod views;
mod weights;

pub use candle_core as candle;
pub use candle_nn;
pub use effnet_ops::Padding;

pub use crate::arch::{Arch, ClassifierKind, Variant};
pub use crate::card::{BodyCard, ModelCard};
pub use crate::classifier::{Classifier, ClassifierEvaluator};
pub use crate::cost::{Cost, LayerCost};
pub use crate::error::{Error, Mismatch, Misshapen, Result};
pub use crate::evaluator::Evaluator;
pub use crate::export::{Library, save_body, save_for, save_head};
pub use crate::layouts::Layout;
pub use crate::metadata::{ARCH_KEY, CLASSES_KEY};
pub use crate::mode::{Mode, splitmix64};
pub use crate::network::EfficientNet;
pub use crate::onnx::{OPSET, save_heads_onnx, save_onnx};
pub use crate::plan::{BlockPlan, Plan};
pub use crate::preprocessing::{Fit, Interpolation, Preprocessing};
pub use crate::pretrained::{Pretrained, load_pretrained};
pub use crate::saved::{Outputs, SavedHeads, SavedModel, SavedNetworks};
pub use crate::scaling::{Bases, Scaling};
pub use crate::search::{Candidate, Dimension, at_cost, candidates, raised, spread};
pub use crate::side_by_side::{Rescale, join_features};
pub use crate::store::ParameterStore;
pub use crate::views::TestViews;
pub use crate::weights::{WeightsFile, read_weights, save_weights};
