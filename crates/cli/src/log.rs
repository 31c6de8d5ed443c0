//! The log of the libraries, on stderr.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use tracing_subscriber::EnvFilter;

use effmix::shown;

/// Starts the log: EFFMIX_LOG, else RUST_LOG, selects the lines (`effmix=debug`); without them, errors alone are shown.
pub(crate) fn start() {
    let filter = ["EFFMIX_LOG", "RUST_LOG"].iter().find_map(|name| std::env::var(name).ok());
    let filter = EnvFilter::new(filter.unwrap_or_else(|| "error".to_owned()));
    let colours = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Lines::default);
    // A second logger can't be there: this is called once.
    let _ = log.with_ansi(colours).try_init();
}

/// An entry of the log, which is written as one line when it is dropped. `tracing-subscriber` itself escapes the escape characters of
/// messages, so that those that are left are its own colours.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.0);
        if text.is_empty() {
            return;
        }
        // There is nowhere to report that stderr can't be written to.
        let _ = writeln!(io::stderr(), "{}", entry(text.trim_end()));
    }
}

/// The line, with all that a terminal obeys escaped but for colours.
fn entry(text: &str) -> String {
    text.split('\u{1b}').map(shown).collect::<Vec<_>>().join("\u{1b}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_line_and_keeps_its_colours() {
        assert_eq!(entry("\u{1b}[31mERROR\u{1b}[0m a\nb\u{202e}"), "\u{1b}[31mERROR\u{1b}[0m a\\nb\\u{202e}");
    }
}
