//! What the loop reports: events are the only way out of it.

use std::sync::Arc;

use noisy_labels::{ClassTable, elementwise_mean};
use serde::{Deserialize, Serialize};

use crate::Result;

/// The purpose of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Plain training on all labels before the first division.
    WarmUp,
    /// Training by the chosen method.
    Train,
}

/// Mean losses over batches. A loss that the method doesn't have is `None`, and all are where a network isn't trained.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Losses {
    /// L_X: cross entropy with the labels (refined or given).
    pub loss_x: Option<f64>,
    /// L_U: squared error against the guessed labels.
    pub loss_u: Option<f64>,
    /// L_reg: divergence of the mean prediction from the uniform one.
    pub loss_reg: Option<f64>,
}

/// One epoch of one network: a line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The epoch's purpose.
    pub phase: Phase,
    /// The network, counted from 1.
    pub network: usize,
    /// The epoch's mean losses.
    #[serde(flatten)]
    pub losses: Losses,
    /// Share of the epoch's samples that the division gave this network as labeled.
    pub clean_fraction: Option<f64>,
    /// Means of the mixture of (normalised) losses, ascending.
    pub gmm_means: Option<[f64; 2]>,
    /// Weights of its components, in the same order.
    pub gmm_weights: Option<[f64; 2]>,
    /// Accuracy of all networks together on the test set after the epoch.
    pub test_accuracy: Option<f64>,
    /// Accuracy of this network alone.
    pub network_test_accuracy: Option<f64>,
    /// AUC of the labels' quality after the epoch, by all networks together, for the true state of the labels; `None` where the truth is
    /// not known of every training sample.
    pub clean_auc: Option<f64>,
    /// AUC of the clean probability that this network's division gave its samples, for the same; `None` without a division, too.
    #[serde(default)]
    pub division_auc: Option<f64>,
}

/// The networks' predictions of the training samples after an epoch. The value shares the loop's tables: means over networks are
/// taken when they are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainPredictions {
    /// Each network's logits.
    pub(crate) logits: Arc<Vec<ClassTable>>,
    /// Each network's cross entropy of the N given labels.
    pub(crate) losses: Arc<Vec<Vec<f32>>>,
}

impl TrainPredictions {
    /// Cross entropy of each sample's given label, the mean over networks, in nats.
    ///
    /// # Errors
    /// None for what the loop reports: it has losses of each sample from each network.
    pub fn losses(&self) -> Result<Vec<f32>> {
        Ok(elementwise_mean(&self.losses)?)
    }

    /// The class of each sample's largest mean logit.
    ///
    /// # Errors
    /// None for what the loop reports: it has logits of each sample from each network.
    pub fn predicted(&self) -> Result<Vec<usize>> {
        Ok(ClassTable::mean(&self.logits)?.argmax())
    }
}

/// What happens in training, in order.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// An epoch begins.
    EpochStarted {
        /// The epoch, counted from 1.
        epoch: usize,
        /// Epochs in all.
        epochs: usize,
        /// The epoch's purpose.
        phase: Phase,
    },
    /// A network begins its pass.
    PassStarted {
        /// The network, counted from 1.
        network: usize,
        /// Batches in the pass.
        batches: usize,
    },
    /// A step on a batch was taken.
    Batch {
        /// The network, counted from 1.
        network: usize,
        /// The batch, counted from 1.
        batch: usize,
        /// Views that were trained on.
        images: usize,
        /// The batch's losses.
        losses: Losses,
    },
    /// The samples were divided for a network.
    Division {
        /// The network that will train on it, counted from 1.
        network: usize,
        /// Samples in the labeled set.
        labeled: usize,
        /// Samples in the unlabeled set.
        unlabeled: usize,
    },
    /// All training samples were evaluated under all networks.
    Evaluated {
        /// The epoch, counted from 1.
        epoch: usize,
        /// The networks' predictions of them.
        predictions: TrainPredictions,
    },
    /// All networks have been trained and evaluated in an epoch.
    EpochDone {
        /// A record a network.
        records: Vec<EpochRecord>,
        /// Seconds since the epoch began.
        seconds: f64,
        /// Views trained on a second, evaluation's time included.
        images_per_s: f64,
    },
    /// The state after an epoch is on disk.
    CheckpointWritten {
        /// The epoch, counted from 1.
        epoch: usize,
    },
    /// A message for the user.
    Warning(String),
}
