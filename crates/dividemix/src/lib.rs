#![doc = include_str!("../README.md")]
//!
//! # Inside
//! The loop ([`train`]) knows two traits: a [`Network`] and a [`ViewSource`]. What happens to one network in one
//! epoch is a method (`methods/`): DivideMix's Algorithm 1 and plain training share
//! everything else: order, prefetching, learning rate, division, evaluation, checkpoints, events.
//!
//! The decision behind the crate: chance is counter-based ([`Stream`]), so that a run has the same bits for any
//! number of threads and goes on from a checkpoint as if it had never stopped.

mod batches;
mod checkpoint;
mod division;
mod error;
mod evaluate;
mod event;
mod hyperparameters;
mod methods;
mod network;
mod optimiser;
mod outcome;
mod pass;
pub mod run;
mod stream;
mod throughput;
mod train;
mod views;

pub use checkpoint::Checkpoints;
pub use effnet_model::Mode;
pub use error::{Error, Result};
pub use evaluate::logits;
pub use event::{EpochRecord, Event, Losses, Phase};
pub use hyperparameters::{ClassWeights, Hyperparameters, Method, Schedule};
pub use network::{Evaluator, Network, Trainable};
pub use outcome::Outcome;
pub use stream::{Purpose, Stream};
pub use throughput::{Throughput, Work, throughput};
pub use train::{Start, TestSet, TrainingSet, train};
pub use views::{View, ViewSource};

/// The project's README, whose example is run here: this crate knows all that it names.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ProjectReadme;
