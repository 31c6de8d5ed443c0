//! How the program ends.

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use crate::failure::{FAILED, Failure};
use crate::output::tell;

/// The exit status of a command's result. A failure is printed on stderr.
pub(crate) fn of(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::ClosedPipe | Failure::Signal(_)) {
                failure.lines().iter().for_each(|line| tell(line));
            }
            ExitCode::from(failure.status())
        }
    }
}

/// Runs the program. A panic, which is a bug of ours, is reported as one.
pub(crate) fn guarded(program: impl FnOnce() -> ExitCode) -> ExitCode {
    panic::set_hook(Box::new(|bug| {
        let place = bug.location().map_or_else(String::new, |place| format!(" at {place}"));
        let what = bug.payload_as_str().unwrap_or("no message");
        tell(&format!("internal error{place}: {what}"));
        tell(&format!(
            "This is a bug in effmix {}. Please report it, with the command and this message: {}/issues",
            env!("CARGO_PKG_VERSION"),
            env!("CARGO_PKG_REPOSITORY")
        ));
    }));
    panic::catch_unwind(AssertUnwindSafe(program)).unwrap_or_else(|_| ExitCode::from(FAILED))
}
