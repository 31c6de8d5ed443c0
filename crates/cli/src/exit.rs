//! How the program ends: statuses, signals, and what should not happen.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::output::tell;

/// Exit status of a command that failed.
const FAILED: u8 = 1;

/// Exit status of wrong usage, as clap's.
pub(crate) const WRONG_USAGE: u8 = 2;

/// A shell's status for a program that signal N ended is 128 + N; SIGINT is 2, SIGTERM 15.
const BY_SIGNAL: usize = 128;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// In a run.
    #[error(transparent)]
    Run(#[from] dividemix::Error),
    /// In a data set.
    #[error(transparent)]
    Images(#[from] image_folder::Error),
    /// In a model.
    #[error(transparent)]
    Model(#[from] effnet_model::Error),
    /// In a tensor operation.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// In the arithmetic of labels.
    #[error(transparent)]
    Labels(#[from] noisy_labels::Error),
    /// In the page.
    #[error(transparent)]
    Report(#[from] effmix_report::Error),
    /// Flags that don't go together, or name what is not there.
    #[error("{0}")]
    Usage(String),
    /// Anything else, said in full.
    #[error("{0}")]
    Other(String),
    /// A signal ended it.
    #[error("stopped")]
    Signal(usize),
    /// Whoever read our stdout has gone: he wants no more.
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

    fn status(&self) -> u8 {
        use dividemix::Error as Run;
        match self {
            Self::ClosedPipe => 0,
            Self::Signal(signal) => u8::try_from(BY_SIGNAL + signal).unwrap_or(FAILED),
            Self::Usage(_) | Self::Run(Run::Setting { .. }) => WRONG_USAGE,
            Self::Model(error) | Self::Run(Run::Model(error)) if is_wrong_arch(error) => WRONG_USAGE,
            _ => FAILED,
        }
    }
}

/// Whether it is --arch that was wrong.
fn is_wrong_arch(error: &effnet_model::Error) -> bool {
    use effnet_model::Error::{ArchNeeded, OtherArch, UnknownArch};
    matches!(error, ArchNeeded { .. } | OtherArch { .. } | UnknownArch { .. })
}

/// The exit status of a command's result, which is told on stderr.
pub(crate) fn of(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::ClosedPipe | Failure::Signal(_)) {
                tell(&format!("error: {failure}"));
            }
            ExitCode::from(failure.status())
        }
    }
}

/// Runs the program; a panic, which is a bug of ours, is told as such.
pub(crate) fn guarded(program: impl FnOnce() -> ExitCode) -> ExitCode {
    panic::set_hook(Box::new(|bug| {
        let place = bug.location().map_or_else(String::new, |place| format!(" at {place}"));
        let what = bug.payload_as_str().unwrap_or("no message");
        tell(&format!(
            "internal error{place}: {what}\nThis is a bug in effmix {}. Please report it, with the command and this \
             message: {}/issues",
            env!("CARGO_PKG_VERSION"),
            env!("CARGO_PKG_REPOSITORY")
        ));
    }));
    panic::catch_unwind(AssertUnwindSafe(program)).unwrap_or_else(|_| ExitCode::from(FAILED))
}

/// Ctrl-C and SIGTERM: the first asks the work to end after the current batch, a second one ends the program.
pub(crate) struct Signals {
    stop: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Signals {
    /// Listens from here on.
    pub(crate) fn listen() -> Result<Self, Failure> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::flag;
        let signals = Self { stop: Arc::default(), signal: Arc::default() };
        let listen = |signal: i32| -> io::Result<()> {
            // In this order: the second signal finds the flag that the first one raised.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&signals.stop))?;
            flag::register_usize(signal, Arc::clone(&signals.signal), signal.unsigned_abs() as usize)?;
            flag::register(signal, Arc::clone(&signals.stop))?;
            Ok(())
        };
        [SIGINT, SIGTERM]
            .into_iter()
            .try_for_each(listen)
            .map_err(|e| Failure::Other(format!("can't listen for Ctrl-C: {e}")))?;
        Ok(signals)
    }

    /// Raised by a signal.
    pub(crate) fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    /// The failure that a stopped command ends with.
    pub(crate) fn failure(&self) -> Failure {
        Failure::Signal(self.signal.load(Ordering::Relaxed))
    }
}
