//! `effmix train --seeds` and several methods: runs one after the other, and a comparison.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use effmix::sweep::{End, Step, Sweep, Watcher};
use effmix::{Estimate, Observer, Progress, Settings, Summary, human_bytes, human_duration};

use super::compare::in_words;
use crate::args::Resume;
use crate::failure::Failure;
use crate::output::{print, print_json, tell};
use crate::signals::Signals;
use crate::terminal::Terminal;
use crate::threads::on_threads;

/// Trains by each method and seed.
pub(super) fn start(settings: &Settings, json: bool) -> Result<(), Failure> {
    on_threads(settings.threads, || {
        watched(json, |watch, signals| Sweep::start(settings, watch, signals.stop()))
    })
}

/// Goes on with the runs in a folder.
pub(super) fn resume(args: &Resume) -> Result<(), Failure> {
    if args.epochs.is_some() {
        let run = args.run.display();
        return Err(Failure::Usage(format!(
            "--epochs: {run} is a folder of several runs; make one of them longer with: effmix resume {run}/RUN --epochs N"
        )));
    }
    on_threads(args.threads, || {
        watched(args.json, |watch, signals| {
            Sweep::resume(&args.run, args.device, None, watch, signals.stop())
        })
    })
}

fn watched(
    json: bool,
    work: impl FnOnce(&Watcher<'_>, &Signals) -> effmix::Result<Sweep>,
) -> Result<(), Failure> {
    let signals = Signals::listen()?;
    let shown = Shown { signals: &signals, state: Mutex::default() };
    let result = work(&|step| shown.step(step), &signals);
    shown.between_runs();
    let sweep = result.map_err(|error| {
        if matches!(error, effmix::Error::Stopped)
            && let State { folder, begun: true, .. } = &*shown.state()
        {
            tell(&format!("stopped; the same command goes on, and so does: effmix resume {folder}"));
        }
        signals.failure_of(error)
    })?;
    let folder = sweep.folder.display();
    if json {
        print_json(&sweep)?
    } else {
        print(&in_words(&sweep.comparison))?
    }
    tell(&format!(
        "written: {folder}/comparison.csv, {folder}/comparison.json, and a run folder for each run"
    ));
    let failed: Vec<&str> = sweep.failed().map(|run| run.name.as_str()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Other(format!(
        "{} of {} runs failed: {}; their errors are above, and the same command tries them again",
        failed.len(),
        sweep.runs.len(),
        failed.join(", ")
    )))
}

/// Progress of the run at work, as that of a single one, and lines between the runs.
struct Shown<'a> {
    signals: &'a Signals,
    state: Mutex<State<'a>>,
}

#[derive(Default)]
struct State<'a> {
    /// The folder of all runs.
    folder: String,
    /// Whether it has been made.
    begun: bool,
    /// That of the run at work.
    terminal: Option<Terminal<'a>>,
    /// What is the same for all runs, and said once.
    said: HashSet<String>,
}

impl<'a> Shown<'a> {
    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the bar of the last run away.
    fn between_runs(&self) {
        if let Some(terminal) = self.state().terminal.take() {
            terminal.finish();
        }
    }

    fn step(&self, step: Step<'_>) {
        match step {
            Step::Planned { folder, runs, left } => {
                self.state().folder = folder.display().to_string();
                planned(folder, runs, left);
            }
            Step::Estimated(estimate) => tell(&format!("all of them need about {}", needs(estimate))),
            Step::Begins { name, number, of } => {
                tell(&format!("run {number} of {of}: {name}"));
                let mut state = self.state();
                state.begun = true;
                state.terminal = Some(Terminal::new(self.signals));
            }
            Step::Run(progress) => self.progress(progress),
            Step::Ends { name, end } => {
                self.between_runs();
                match end {
                    End::Kept => tell(&format!("{name}: done before")),
                    End::Done(summary) => tell(&format!("{name}: {}", done(summary))),
                    End::Failed(error) => tell(&format!("error: {name}: {error}")),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// What a run reports. Notices and warnings that an earlier run had as well are left out.
    fn progress(&self, progress: Progress<'_>) {
        let mut state = self.state();
        if let Progress::Device(text) | Progress::Notice(text) | Progress::Warning(text) = progress
            && !state.said.insert(text.to_owned())
        {
            return;
        }
        if let Some(terminal) = &state.terminal {
            terminal.observe(progress);
        }
    }
}

fn planned(folder: &Path, runs: usize, left: usize) {
    let before = match runs - left {
        0 => String::new(),
        done => format!(", {done} of them done before"),
    };
    tell(&format!("{runs} runs in {}{before}", folder.display()));
}

/// Time, memory and disk of all runs.
fn needs(estimate: &Estimate) -> String {
    let mut parts = vec![human_duration(estimate.seconds)];
    parts.extend(estimate.memory_bytes.map(|bytes| format!("{} of memory", human_bytes(bytes))));
    parts.push(format!("{} of disk", human_bytes(estimate.run_bytes + estimate.cache_bytes)));
    parts.join(", ")
}

fn done(summary: &Summary) -> String {
    let took = human_duration(summary.seconds);
    match summary.test_accuracy_last {
        Some(accuracy) => format!("accuracy {:.1} %, {took}", 100.0 * accuracy),
        None => took,
    }
}
