//! Ctrl-C and SIGTERM.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::failure::Failure;

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

    /// The failure of work that these signals may have stopped.
    pub(crate) fn failure_of(&self, failure: impl Into<Failure>) -> Failure {
        match failure.into() {
            Failure::Work(effmix::Error::Stopped) => self.failure(),
            other => other,
        }
    }
}
