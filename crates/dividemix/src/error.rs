//! The one error type of the crate.

use std::path::PathBuf;

/// What can go wrong in training, with where and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor operation failed.
    #[error("tensor operation: {0}")]
    Tensor(#[from] candle_core::Error),
    /// Noisy-label arithmetic met arguments that it can't use.
    #[error(transparent)]
    Labels(#[from] noisy_labels::Error),
    /// A checkpoint's file or folder could not be read or written.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried, as "can't write".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is not a checkpoint of this training.
    #[error("{}: {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A setting is out of its range, or two settings contradict each other.
    #[error("{name}: {problem}")]
    Setting {
        /// The field of [`crate::Hyperparameters`]: `threshold`.
        name: &'static str,
        /// What is wrong and what is allowed. Other fields are named in backticks.
        problem: String,
    },
    /// The data can't be trained on.
    #[error("{0}")]
    Data(String),
    /// The loss is no longer a number.
    #[error(
        "training diverged: the loss of network {network} became {loss} in epoch {epoch}, batch {batch}; {}",
        remedy(*lr, *weight_decay)
    )]
    Diverged {
        /// The network, counted from 1.
        network: usize,
        /// The epoch, counted from 1.
        epoch: usize,
        /// The batch, counted from 1.
        batch: usize,
        /// The loss, NaN or infinite.
        loss: f64,
        /// The learning rate of the settings.
        lr: f64,
        /// The weight decay of the settings.
        weight_decay: f64,
    },
    /// The caller's stop flag was raised.
    #[error("stopped")]
    Stopped,
    /// More items are to be made ahead of their use than can be.
    #[error("{0} items can't be made ahead; give a number up to 65536")]
    Depth(usize),
    /// A background thread could not be started.
    #[error("can't start a thread: {0}")]
    Thread(std::io::Error),
    /// A background thread panicked.
    #[error("a background thread panicked: {0}")]
    Panicked(String),
    /// The caller's views or observer failed.
    #[error(transparent)]
    Caller(Box<dyn std::error::Error + Send + Sync>),
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

/// What to do about a training that diverged. A step takes `lr weight_decay` of each weight away: from 1 on, the weight decay itself makes
/// weights grow.
fn remedy(lr: f64, weight_decay: f64) -> String {
    if lr * weight_decay >= 1.0 {
        return format!(
            "lower the weight decay (`weight_decay`, now {weight_decay:?}, at a learning rate `lr` of {lr:?})"
        );
    }
    format!("lower the learning rate (`lr`, now {lr:?})")
}

impl Error {
    /// An error of the caller's views or observer, to leave the loop as it is.
    pub fn caller(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Caller(error.into())
    }

    /// An I/O error with what was tried and where: `map_err(Error::io("can't write", path))`.
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
