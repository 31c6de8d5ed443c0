//! Results go to stdout or to files; all else goes to stderr.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// A line on stderr: progress, a warning, an error.
pub(crate) fn tell(line: &str) {
    // There is nowhere to report that stderr can't be written to.
    let _ = writeln!(io::stderr(), "{line}");
}

/// A result on stdout.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::stdout)
}

/// A result on stdout as JSON, on several lines for people.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failure::Other(format!("JSON: {e}")))?;
    print(&format!("{text}\n"))
}

/// The log of the libraries, on stderr: EFFMIX_LOG, else RUST_LOG, selects the lines (`effmix=debug`); without them, errors alone are shown.
pub(crate) fn log_to_stderr() {
    let filter = ["EFFMIX_LOG", "RUST_LOG"].iter().find_map(|name| std::env::var(name).ok());
    let filter = EnvFilter::new(filter.unwrap_or_else(|| "error".to_owned()));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A second logger can't be there: this is called once.
    let _ = log.with_ansi(io::stderr().is_terminal()).try_init();
}

/// Refuses an output file that exists; with `force`, unless it begins with `ours`, as what this program writes does.
pub(crate) fn may_write(path: &Path, force: bool, ours: &[u8]) -> Result<(), Failure> {
    may_replace(path, force, || {
        let mut start = Vec::new();
        let read = File::open(path).and_then(|file| file.take(ours.len() as u64).read_to_end(&mut start));
        read.is_ok() && start == ours
    })
}

/// Refuses an output file that exists; with `force`, unless it is one that this program wrote.
pub(crate) fn may_replace(path: &Path, force: bool, is_ours: impl FnOnce() -> bool) -> Result<(), Failure> {
    let refused = |remedy: &str| Err(Failure::Other(format!("{} exists already; {remedy}", path.display())));
    if !path.exists() {
        return Ok(());
    }
    if !force {
        return refused("choose another file, or add --force to replace what an earlier call wrote");
    }
    if is_ours() {
        Ok(())
    } else {
        refused("it is not a file that effmix wrote, so --force won't replace it; choose another")
    }
}

/// What a NumPy file begins with.
pub(crate) const NPY: &[u8] = b"\x93NUMPY";
