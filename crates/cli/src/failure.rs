//! Why a command failed, and the exit status of that.

use std::io;

/// Exit status of a command that failed.
pub(crate) const FAILED: u8 = 1;

/// Exit status of wrong usage, as clap's.
pub(crate) const WRONG_USAGE: u8 = 2;

/// A shell's status for a program that signal N ended is 128 + N; SIGINT is 2, SIGTERM 15.
const BY_SIGNAL: usize = 128;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// In the work itself.
    #[error(transparent)]
    Work(#[from] effmix::Error),
    /// In a data set.
    #[error(transparent)]
    Images(#[from] image_folder::Error),
    /// In a model.
    #[error(transparent)]
    Model(#[from] effnet_model::Error),
    /// In the arithmetic of labels.
    #[error(transparent)]
    Labels(#[from] noisy_labels::Error),
    /// Flags that don't go together, or name what is not there.
    #[error("{0}")]
    Usage(String),
    /// Anything else; the text is the whole message.
    #[error("{0}")]
    Other(String),
    /// A signal ended it.
    #[error("stopped")]
    Signal(usize),
    /// The reader of our stdout has closed it.
    #[error("stdout was closed")]
    ClosedPipe,
}

impl Failure {
    /// For `map_err`: a failure to write results.
    pub(crate) fn stdout(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::Other(format!("can't write to stdout: {error}")),
        }
    }

    /// The message, line by line. All messages are one line but for the one that lists ways to get weights.
    pub(crate) fn lines(&self) -> Vec<String> {
        let message = format!("error: {self}");
        match self {
            Self::Work(effmix::Error::NoWeights(_)) => message.lines().map(str::to_owned).collect(),
            _ => vec![message],
        }
    }

    /// The exit status.
    pub(crate) fn status(&self) -> u8 {
        use effmix::Error as Work;
        match self {
            Self::ClosedPipe => 0,
            Self::Signal(signal) => u8::try_from(BY_SIGNAL + signal).unwrap_or(FAILED),
            Self::Usage(_) | Self::Work(Work::Setting { .. }) => WRONG_USAGE,
            Self::Model(error) | Self::Work(Work::Model(error)) if is_wrong_usage(error) => WRONG_USAGE,
            _ => FAILED,
        }
    }
}

/// Whether it is --arch or --weights-key that was wrong.
fn is_wrong_usage(error: &effnet_model::Error) -> bool {
    use effnet_model::Error::{ArchNeeded, NoSuchKey, OtherArch, UnknownArch};
    matches!(error, ArchNeeded { .. } | NoSuchKey { .. } | OtherArch { .. } | UnknownArch { .. })
}
