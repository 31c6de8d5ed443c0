//! The progress of a run: a line an epoch and, on a terminal, a bar below for what goes on.

use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use dividemix::Event;
use effmix::{Observer, Progress, Training};
use indicatif::{ProgressBar, ProgressStyle};

use super::overview::{labelled, needs, overview};
use super::screen::{self, tell_above};
use super::state::State;
use crate::output::tell;
use crate::signals::Signals;

/// The bar is drawn anew so often, also while nothing is reported: the time left goes down, and the terminal's width may change.
const REDRAWN: Duration = Duration::from_millis(200);

/// The observer of a run: shows its progress, and stops it on a signal.
pub(crate) struct Terminal<'a> {
    /// On a terminal.
    bar: Option<ProgressBar>,
    /// Whether the bar is there.
    is_drawn: Once,
    /// Locked by the bar while it is drawn, so nobody may draw while holding it.
    state: Arc<Mutex<State>>,
    began: Instant,
    signals: &'a Signals,
}

impl<'a> Terminal<'a> {
    /// On stderr, with a bar where that is a terminal.
    pub(crate) fn new(signals: &'a Signals) -> Self {
        let (state, began) = (Arc::default(), Instant::now());
        let bar = stderr().is_terminal().then(|| bar(&state, began));
        Self { bar, is_drawn: Once::new(), state, began, signals }
    }

    /// The folder of the run, once it has one.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        locked(&self.state).folder.clone()
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// A line that stays, above the bar if there is one.
    fn line(&self, line: &str) {
        tell_above(self.bar.as_ref(), line);
    }

    fn started(&self, folder: &Path) {
        self.line(&labelled("run folder", &folder.display().to_string()));
        locked(&self.state).folder = Some(folder.to_owned());
    }

    fn count(&self, what: &'static str, done: usize, total: usize) {
        locked(&self.state).count(what, done, total);
        match &self.bar {
            Some(_) => self.draw(),
            None if done == total && total > 0 => tell(&format!("{what}: {total}")),
            None => {}
        }
    }

    fn training(&self, which: Training, event: &Event) {
        let mut state = locked(&self.state);
        state.training(event);
        if which == Training::Plain && !std::mem::replace(&mut state.is_plain, true) {
            drop(state);
            self.line("plain training of the same network, for comparison:");
            state = locked(&self.state);
        }
        let line = match event {
            Event::EpochDone { records, seconds, images_per_s } => {
                let width = if self.bar.is_some() { screen::width() } else { usize::MAX };
                Some(state.epoch_line(records, (*seconds, *images_per_s), self.seconds(), width))
            }
            Event::Warning(warning) => Some(format!("warning: {warning}")),
            _ => None,
        };
        drop(state);
        line.iter().for_each(|line| self.line(line));
        self.draw();
    }

    /// Draws the bar from now on again and again.
    fn draw(&self) {
        if let Some(bar) = &self.bar {
            self.is_drawn.call_once(|| bar.enable_steady_tick(REDRAWN));
        }
    }

    /// Seconds since this observer began.
    fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}

/// The bar, whose line is made of the state whenever it is drawn.
fn bar(state: &Arc<Mutex<State>>, began: Instant) -> ProgressBar {
    let state = Arc::clone(state);
    let line = move |_: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
        let line = locked(&state).line(began.elapsed().as_secs_f64(), screen::width());
        // A `String` takes all that is written to it.
        let _ = out.write_str(&line);
    };
    let style = ProgressStyle::with_template("{line}").map(|style| style.with_key("line", line));
    ProgressBar::with_draw_target(None, screen::on_stderr())
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Observer for Terminal<'_> {
    fn observe(&self, progress: Progress<'_>) {
        locked(&self.state).left.observe(&progress, self.seconds());
        match progress {
            Progress::Device(device) => self.line(&labelled("device", device)),
            Progress::Overview(of) => overview(of).iter().for_each(|line| self.line(line)),
            Progress::Started(folder) => self.started(folder),
            Progress::Chosen(what) | Progress::Notice(what) => self.line(what),
            Progress::Estimated(estimate) => self.line(&needs(estimate)),
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
