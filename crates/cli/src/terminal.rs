//! Progress on stderr: a line an epoch and, on a terminal, a bar below for what goes on.

use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use dividemix::{EpochRecord, Event, Phase};
use effmix::{Estimate, Observer, Progress, Training, human_bytes, human_duration};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::{computing_on, tell};
use crate::signals::Signals;

/// The observer of a run: shows its progress, and stops it on a signal.
pub(crate) struct Terminal<'a> {
    /// On a terminal.
    bar: Option<ProgressBar>,
    state: Mutex<State>,
    signals: &'a Signals,
}

/// What was reported so far.
#[derive(Default)]
struct State {
    folder: Option<PathBuf>,
    epoch: usize,
    epochs: usize,
    phase: &'static str,
    plain: bool,
    images: usize,
    pass_began: Option<Instant>,
    epoch_began: Option<Instant>,
    epoch_seconds: Vec<f64>,
    accuracy: Option<f64>,
    clean: Option<f64>,
}

impl<'a> Terminal<'a> {
    /// On stderr, with a bar where that is a terminal.
    pub(crate) fn new(signals: &'a Signals) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} [{bar:12}] {pos}/{len} {wide_msg}");
            ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, state: Mutex::default(), signals }
    }

    /// The folder of the run, once it has one.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.state().folder.clone()
    }

    /// Takes the bars away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line that stays, above the bar if there is one.
    fn line(&self, line: &str) {
        tell_above(self.bar.as_ref(), line);
    }

    fn started(&self, folder: &Path) {
        self.line(&format!("run folder: {}", folder.display()));
        self.state().folder = Some(folder.to_owned());
    }

    fn count(&self, what: &'static str, done: usize, total: usize) {
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(what);
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                bar.set_message("");
            }
            None if done == total && total > 0 => tell(&format!("{what}: {total}")),
            None => {}
        }
    }

    fn training(&self, which: Training, event: &Event) {
        let mut state = self.state();
        match event {
            Event::EpochStarted { epoch, epochs, phase } => {
                let plain = which == Training::Plain;
                if plain && !state.plain {
                    state.epoch_seconds.clear();
                    self.line("plain training of the same network, for comparison:");
                }
                state.plain = plain;
                (state.epoch, state.epochs) = (*epoch, *epochs);
                state.phase = phase_name(*phase);
                state.epoch_began = Some(Instant::now());
            }
            Event::PassStarted { network, batches } => {
                state.images = 0;
                state.pass_began = Some(Instant::now());
                if let Some(bar) = &self.bar {
                    let (epoch, epochs, phase) = (state.epoch, state.epochs, state.phase);
                    bar.set_prefix(format!("epoch {epoch}/{epochs} {phase}, network {network}"));
                    bar.set_length(*batches as u64);
                    bar.set_position(0);
                }
            }
            Event::Batch { batch, images, losses, .. } => {
                state.images += images;
                if let Some(bar) = &self.bar {
                    bar.set_position(*batch as u64);
                    bar.set_message(state.message(losses.loss_x));
                }
            }
            Event::Division { labeled, unlabeled, .. } => {
                state.clean = Some(*labeled as f64 / (labeled + unlabeled).max(1) as f64);
            }
            Event::EpochDone { records, seconds, images_per_s } => {
                state.epoch_seconds.push(*seconds);
                state.accuracy = records.first().and_then(|record| record.test_accuracy);
                let left = state.left().map_or_else(String::new, |left| format!(", {left} left"));
                let line = state.epoch_line(records);
                self.line(&format!("{line}  {images_per_s:.0} images/s  {seconds:.1} s{left}"));
            }
            Event::Warning(warning) => self.line(&format!("warning: {warning}")),
            _ => {}
        }
    }
}

impl Observer for Terminal<'_> {
    fn observe(&self, progress: Progress<'_>) {
        match progress {
            Progress::Device(device) => self.line(&computing_on(device)),
            Progress::Started(folder) => self.started(folder),
            Progress::Chosen(what) | Progress::Notice(what) => self.line(what),
            Progress::Estimated(estimate) => self.line(&format!("needs about {}", needs(estimate))),
            Progress::Resumed(epoch) => self.line(&format!("going on after epoch {epoch}")),
            Progress::Read { done, total } => self.count("reading images", done, total),
            Progress::Features { done, total } => self.count("computing features", done, total),
            Progress::Predicted { done, total } => self.count("predicting", done, total),
            Progress::Warning(warning) => self.line(&format!("warning: {warning}")),
            Progress::Training(which, event) => self.training(which, event),
            _ => {}
        }
    }

    fn stop(&self) -> &AtomicBool {
        self.signals.stop()
    }
}

/// A line that stays, above the bar if there is one.
fn tell_above(bar: Option<&ProgressBar>, line: &str) {
    match bar {
        Some(bar) => bar.suspend(|| tell(line)),
        None => tell(line),
    }
}

/// The observer of a model at work: a bar on a terminal, and a stop on a signal.
pub(crate) struct Counter<'a> {
    bar: Option<ProgressBar>,
    signals: &'a Signals,
}

impl<'a> Counter<'a> {
    /// For `total` images.
    pub(crate) fn new(total: usize, signals: &'a Signals) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} [{bar:24}] {pos}/{len} {per_sec} ETA {eta}");
            let bar = ProgressBar::new(total as u64).with_prefix("images");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, signals }
    }

    /// Counts one image more.
    pub(crate) fn add_one(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
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
        Self(stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("[{bar:24}] {percent} % ETA {eta}  {wide_msg}");
            ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }))
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

impl State {
    /// Beside the bar: speed, time left, loss, accuracy, clean fraction.
    fn message(&self, loss: Option<f64>) -> String {
        let seconds = self.pass_began.map_or(0.0, |began| began.elapsed().as_secs_f64());
        let mut parts = vec![format!("{:.0} images/s", self.images as f64 / seconds.max(1e-9))];
        parts.extend(self.left().map(|left| format!("ETA {left}")));
        parts.extend(loss.map(|loss| format!("loss {loss:.3}")));
        parts.extend(self.accuracy.map(|accuracy| format!("accuracy {:.1} %", 100.0 * accuracy)));
        parts.extend(self.clean.map(|clean| format!("clean {:.0} %", 100.0 * clean)));
        parts.join("  ")
    }

    /// The time that the rest of the training takes, if its epochs take as long as the last one.
    fn left(&self) -> Option<String> {
        let last = *self.epoch_seconds.last()?;
        let begun = self.epoch_began.map_or(0.0, |began| began.elapsed().as_secs_f64());
        let total = last * (self.epochs + 1).saturating_sub(self.epoch) as f64;
        let left = (total - begun).max(0.0);
        (left >= 1.0).then(|| human_duration(left))
    }

    fn epoch_line(&self, records: &[EpochRecord]) -> String {
        let each = |what: &dyn Fn(&EpochRecord) -> Option<String>| {
            let values: Vec<String> = records.iter().filter_map(what).collect();
            (!values.is_empty()).then(|| values.join(" "))
        };
        let mut parts = vec![format!("epoch {:>3}/{} {:8}", self.epoch, self.epochs, self.phase)];
        let loss = each(&|r| r.losses.loss_x.map(|loss| format!("{loss:.3}")));
        parts.extend(loss.map(|loss| format!("loss {loss}")));
        parts.extend(self.accuracy.map(|accuracy| format!("accuracy {:.1} %", 100.0 * accuracy)));
        let clean = each(&|r| r.clean_fraction.map(|clean| format!("{:.0} %", 100.0 * clean)));
        parts.extend(clean.map(|clean| format!("clean {clean}")));
        parts.join("  ")
    }
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::WarmUp => "warm-up",
        Phase::Train => "train",
    }
}

/// Time, memory and disk with the units that suit them.
fn needs(estimate: &Estimate) -> String {
    let mut parts = vec![human_duration(estimate.seconds)];
    parts.extend(estimate.memory_bytes.map(|bytes| format!("{} of memory", human_bytes(bytes))));
    parts.extend(estimate.device_memory.map(|memory| format!("{} on the GPU", human_bytes(memory.bytes))));
    parts.push(format!("{} of disk for the run", human_bytes(estimate.run_bytes)));
    if estimate.cache_bytes > 0 {
        parts.push(format!("{} for the cache", human_bytes(estimate.cache_bytes)));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_counts_the_epochs_to_come() {
        let state = State { epoch: 3, epochs: 5, epoch_seconds: vec![10.0], ..State::default() };
        assert_eq!(state.left().unwrap(), "30 s");
    }
}
