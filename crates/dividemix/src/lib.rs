#![doc = include_str!("../README.md")]
//!
//! # Inside
//! The loop ([`Training`]) knows three traits: a [`Network`], a [`ViewSource`] and a [`Method`]. What happens to one network in
//! one epoch is a method (`methods/`): DivideMix's Algorithm 1 and twelve others share everything else: order, prefetching,
//! learning rate, division, evaluation, checkpoints, events.
//!
//! The decision behind the crate: chance is counter-based ([`Stream`]), so that a run has the same bits for any
//! number of threads and goes on from a checkpoint as if it had never stopped.

mod batch;
mod batches;
mod binding;
mod check;
mod checkpoint;
mod costs;
mod data;
mod division;
mod draw;
#[cfg(feature = "effnet")]
mod effnet;
mod ema;
mod epoch;
mod error;
mod evaluate;
mod event;
mod files;
mod hyperparameters;
mod kind;
pub mod memory;
mod method;
mod methods;
mod mode;
mod network;
mod objective;
mod optimiser;
mod outcome;
mod patience;
mod prefetch;
mod preset;
mod start;
mod state;
mod stream;
mod supervised;
mod training;
mod updates;
mod views;
mod work;
mod workload;

pub use batch::{Batch, SampleSet};
pub use candle_core as candle;
pub use check::CheckedHyperparameters;
pub use checkpoint::Checkpoints;
pub use costs::{Cost, Costs};
pub use data::{TestSet, TrainingSet};
#[cfg(feature = "effnet")]
pub use effnet::Trainable;
pub use epoch::NetworkEpoch;
pub use error::{Error, Result};
pub use evaluate::{EVALUATION_BATCH, logits};
pub use event::{EpochRecord, Event, Losses, Phase, TrainPredictions};
pub use hyperparameters::{Ablation, ClassWeights, Hyperparameters, Schedule};
pub use kind::MethodKind;
pub use method::{Method, Needs, Strength};
pub use mode::Mode;
pub use network::{Evaluator, Network};
pub use noisy_labels::division::DivisionScope;
pub use objective::Objective;
pub use optimiser::Optimiser;
pub use outcome::{FittedMixture, Outcome};
pub use prefetch::{Prefetch, prefetch};
pub use preset::Preset;
pub use start::Start;
pub use stream::{Purpose, Stream};
pub use supervised::supervised_epoch;
pub use training::Training;
pub use updates::{Sgd, backward};
pub use views::{View, ViewKind, ViewSource, one_by_one};
pub use work::{TYPICAL_CLEAN_SHARE, Work};
