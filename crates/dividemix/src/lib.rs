#![doc = include_str!("../README.md")]
//!
//! # Inside
//! The loop ([`train`]) knows two traits: a [`Network`] and a [`ViewSource`]. What happens to one network in one
//! epoch is a method (`methods/`): DivideMix's Algorithm 1 and plain training share
//! everything else: order, prefetching, learning rate, division, evaluation, checkpoints, events.
//!
//! The decision behind the crate: chance is counter-based ([`Stream`]), so that a run has the same bits for any
//! number of threads and goes on from a checkpoint as if it had never stopped.

mod average;
mod batches;
mod checkpoint;
mod costs;
mod division;
mod draw;
mod error;
mod evaluate;
mod event;
mod hyperparameters;
mod memory;
mod methods;
mod network;
mod optimiser;
mod outcome;
mod pass;
mod preset;
pub mod run;
pub mod search;
mod stream;
mod throughput;
mod train;
mod views;
mod words;
mod work;

pub use checkpoint::Checkpoints;
pub use costs::{Cost, Costs};
pub use effnet_model::Mode;
pub use error::{Error, Result};
pub use evaluate::logits;
pub use event::{EpochRecord, Event, Losses, Phase, Seen};
pub use hyperparameters::{Ablation, ClassWeights, Hyperparameters, Method, Schedule, Strength};
pub use network::{Evaluator, Network, Trainable};
pub use noisy_labels::division::DivisionScope;
pub use outcome::Outcome;
pub use preset::Preset;
pub use stream::{Purpose, Stream};
pub use throughput::{Task, Throughput, throughput, training_seconds};
pub use train::{Start, TestSet, TrainingSet, train};
pub use views::{View, ViewSource};
pub use words::{bytes_in_words, seconds_in_words};
pub use work::{TYPICAL_CLEAN_SHARE, Work};

/// The project's README, whose example is run here: this crate knows all that it names.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ProjectReadme;
