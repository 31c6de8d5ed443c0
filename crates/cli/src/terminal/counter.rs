//! The progress of a model at work, and of work in parts.

use std::io::{IsTerminal, stderr};
use std::sync::atomic::AtomicBool;

use effmix::{Observer, Progress};
use indicatif::{ProgressBar, ProgressStyle};

use super::screen::{self, tell_above};
use crate::signals::Signals;

/// A bar with these parts, where stderr is a terminal.
fn bar(template: &str, length: Option<u64>) -> Option<ProgressBar> {
    stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template(template);
        ProgressBar::with_draw_target(length, screen::on_stderr())
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    })
}

/// The observer of a model at work: a bar on a terminal, and a stop on a signal.
pub(crate) struct Counter<'a> {
    bar: Option<ProgressBar>,
    signals: &'a Signals,
}

impl<'a> Counter<'a> {
    /// For `total` images.
    pub(crate) fn new(total: usize, signals: &'a Signals) -> Self {
        let bar = bar("{eta} left  [{bar:12}] {pos}/{len} images  {per_sec}", Some(total as u64));
        Self { bar, signals }
    }

    /// Without a bar, for work whose results go to the same terminal line by line.
    pub(crate) fn without_bar(signals: &'a Signals) -> Self {
        Self { bar: None, signals }
    }

    /// Counts one image more.
    pub(crate) fn add_one(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// A line that stays.
    pub(crate) fn line(&self, line: &str) {
        tell_above(self.bar.as_ref(), line);
    }
}

impl Observer for Counter<'_> {
    fn observe(&self, progress: Progress<'_>) {
        if let (Some(bar), Progress::Predicted { done, .. }) = (&self.bar, progress) {
            bar.set_position(done as u64);
        }
    }

    fn stop(&self) -> &AtomicBool {
        self.signals.stop()
    }
}

impl Drop for Counter<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A bar for work in parts of very different size, with lines above it.
pub(crate) struct WorkBar(Option<ProgressBar>);

impl WorkBar {
    /// On stderr, as it is.
    pub(crate) fn new() -> Self {
        Self(bar("{eta} left  [{bar:12}] {percent} %  {wide_msg}", None))
    }

    /// So much work in all.
    pub(crate) fn of(&self, work: f64) {
        if let Some(bar) = &self.0 {
            bar.set_length(work as u64);
        }
    }

    /// What is being done.
    pub(crate) fn at(&self, what: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(what.to_owned());
        }
    }

    /// So much more is done.
    pub(crate) fn add(&self, work: f64) {
        if let Some(bar) = &self.0 {
            bar.inc(work as u64);
        }
    }

    /// A line that stays.
    pub(crate) fn line(&self, line: &str) {
        tell_above(self.0.as_ref(), line);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
