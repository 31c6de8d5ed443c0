//! The one error type of the crate.

use std::path::PathBuf;

/// What can go wrong in training, with where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A tensor operation failed.
    #[error("tensor operation: {0}")]
    Tensor(#[from] candle_core::Error),
    /// A set of images could not be opened or read.
    #[error(transparent)]
    Images(#[from] image_folder::Error),
    /// A network or its weights could not be built, read or written.
    #[error(transparent)]
    Model(#[from] effnet_model::Error),
    /// Noisy-label arithmetic met arguments that it can't use.
    #[error(transparent)]
    Labels(#[from] noisy_labels::Error),
    /// A file could not be read or written.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried, as "can't write".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file's content is not what this program writes.
    #[error("{}: {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A setting is out of its range, or two don't go together.
    #[error("{name}: {problem}")]
    Setting {
        /// The setting, as the flag that sets it: `--threshold`.
        name: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// An output is there already, or is not this program's to replace.
    #[error("{}: {problem}", path.display())]
    Output {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// There is too little memory or disk.
    #[error(
        "not enough room {place}: the run needs about {needed}, and there are {left}; {remedy}; --anyway starts it as it is"
    )]
    NoRoom {
        /// Where: "in memory", "on the disk of FOLDER".
        place: String,
        /// What is needed, as people say it.
        needed: String,
        /// What there is.
        left: String,
        /// What to do.
        remedy: String,
    },
    /// Weights by name can't be had.
    #[error("{name}: {problem}")]
    Hub {
        /// The name: `imagenet`, `hf://OWNER/REPO`.
        name: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Pretrained weights are wanted, and none can be had: why, and every way out.
    #[error("{0}")]
    NoWeights(String),
    /// The data can't be trained on.
    #[error("{0}")]
    Data(String),
    /// The loss is no longer a number.
    #[error(
        "training diverged: the loss of network {network} became {loss} in epoch {epoch}, batch {batch}; lower the \
         learning rate (--lr, now {lr})"
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
        /// The learning rate in use.
        lr: f64,
    },
    /// The caller's stop flag was raised.
    #[error("stopped")]
    Stopped,
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An I/O error with what was tried and where: `map_err(Error::io("can't write", path))`.
    pub fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
