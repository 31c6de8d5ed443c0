//! Several runs in one command: each method by each seed, in a folder of run folders, with a comparison in the end.
//!
//! | file | holds |
//! |---|---|
//! | `plan` | which runs there are, by the settings: what `sweep.toml` keeps |
//! | `folder` | the folder: new, gone on with, or replaced |
//! | `cost` | what all of them will take |
//!
//! The decision: each run is a run folder like any other ([`crate::Run`]), with the bytes that `effmix train` by itself would write, and the
//! sweep keeps no state but its plan. What is left to do follows from the run folders, so the same command goes on.

mod cost;
mod folder;
mod plan;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde::Serialize;

use crate::compare::{COMPARISON_COLUMNS, Comparison};
use crate::data::name_of;
use crate::device::ComputeDevice;
use crate::resources::Estimate;
use crate::run::{Observer, Progress, ResumeOptions, Run, RunFolder, SWEEP, Summary};
use crate::settings::{DeviceChoice, OwnMethod, Settings};
use crate::{Error, Result};
use folder::Claim;
use plan::{Plan, PlannedRun};

/// The comparison of a sweep's runs, in its folder.
const COMPARISON: [&str; 2] = ["comparison.csv", "comparison.json"];

/// What these files begin with.
const STARTS: [&str; 2] = [COMPARISON_COLUMNS, "{\n  \"runs\""];

/// What a sweep reports, in order.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Step<'a> {
    /// The runs are known, and nothing has been written yet.
    Planned {
        /// The folder.
        folder: &'a Path,
        /// Runs in all.
        runs: usize,
        /// Runs that are not finished yet.
        left: usize,
    },
    /// What the runs that are left will take, all in all.
    Estimated(&'a Estimate),
    /// A run begins, or is gone on with.
    Begins {
        /// Its name, which its folder has.
        name: &'a str,
        /// Its number, counted from 1.
        number: usize,
        /// Runs in all.
        of: usize,
    },
    /// Progress of the run that began last.
    Run(Progress<'a>),
    /// The run has ended.
    Ends {
        /// Its name.
        name: &'a str,
        /// How it ended.
        end: End<'a>,
    },
}

/// How a run of a sweep ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum End<'a> {
    /// It had been finished before.
    Kept,
    /// It is finished now.
    Done(&'a Summary),
    /// It failed; the other runs go on.
    Failed(&'a Error),
}

/// Takes what a sweep reports.
pub type Watcher<'a> = dyn Fn(Step<'_>) + Sync + 'a;

/// A sweep of which every run has been tried.
#[derive(Debug, Clone, Serialize)]
pub struct Sweep {
    /// The folder.
    pub folder: PathBuf,
    /// The runs, in the order in which they were trained.
    pub runs: Vec<SweptRun>,
    /// The runs beside each other.
    pub comparison: Comparison,
}

/// A run of a sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SweptRun {
    /// Its name, which its folder has: `METHOD-seed-N`.
    pub name: String,
    /// Its method.
    pub method: String,
    /// Its seed.
    pub seed: u64,
    /// Why it failed; null where it is finished.
    pub failure: Option<String>,
}

impl Settings {
    /// Whether these settings are for several runs: seeds, or more than one method.
    pub fn is_sweep(&self) -> bool {
        self.seeds.is_some() || self.method.as_ref().is_some_and(|methods| methods.all().len() > 1)
    }
}

impl Sweep {
    /// Trains by each method with each seed of `settings`, and writes a folder of run folders with a comparison. A folder that holds the same
    /// sweep, or a part of it, is gone on with: runs that are finished stay as they are. A run that fails does not end the others
    /// ([`SweptRun::failure`]).
    ///
    /// # Errors
    /// Whatever is wrong with the settings or the data, or too small for all runs, before anything is written; [`Error::Output`] where the
    /// folder holds something else; [`Error::Stopped`] soon after `stop` is raised.
    pub fn start(settings: &Settings, watch: &Watcher<'_>, stop: &AtomicBool) -> Result<Self> {
        let plan = Plan::of(settings)?;
        let default = || Path::new("runs").join(format!("{}-sweep", name_of(settings.data.as_deref())));
        let out = settings.out.clone().unwrap_or_else(default);
        let claim = Claim::of(&out, &plan, settings.force == Some(true))?;
        let here = Settings { device: settings.device, anyway: settings.anyway, ..Settings::default() };
        AtWork { folder: &out, plan: &plan, here, watch, stop }.all(claim)
    }

    /// Goes on with the sweep in a folder.
    ///
    /// # Errors
    /// A folder without a sweep, or of one with a method of one's own where `own_method` is not that; else as [`Sweep::start`].
    pub fn resume(
        folder: &Path,
        device: Option<DeviceChoice>,
        own_method: Option<OwnMethod>,
        watch: &Watcher<'_>,
        stop: &AtomicBool,
    ) -> Result<Self> {
        let plan = Plan::read(folder, own_method)?;
        let here = Settings { device, ..Settings::default() };
        AtWork { folder, plan: &plan, here, watch, stop }.all(Claim::Same)
    }

    /// Whether a folder holds a sweep.
    pub fn is_at(folder: &Path) -> bool {
        folder.join(SWEEP).is_file()
    }

    /// The runs that failed.
    pub fn failed(&self) -> impl Iterator<Item = &SweptRun> {
        self.runs.iter().filter(|run| run.failure.is_some())
    }
}

/// A sweep at work.
struct AtWork<'a> {
    folder: &'a Path,
    plan: &'a Plan,
    /// Settings of this process: no part of the plan.
    here: Settings,
    watch: &'a Watcher<'a>,
    stop: &'a AtomicBool,
}

impl AtWork<'_> {
    /// Trains all runs.
    fn all(&self, claim: Claim) -> Result<Sweep> {
        let runs: Vec<PlannedRun> = self.plan.runs();
        let is_kept = |run: &PlannedRun| !claim.replaces() && is_finished(&self.folder.join(&run.name));
        let left: Vec<&PlannedRun> = runs.iter().filter(|run| !is_kept(run)).collect();
        (self.watch)(Step::Planned { folder: self.folder, runs: runs.len(), left: left.len() });
        if let Some(estimate) = self.estimate(&left)? {
            (self.watch)(Step::Estimated(&estimate));
        }
        claim.make(self.folder, self.plan)?;
        let mut tried = Vec::new();
        for (run, number) in runs.iter().zip(1..) {
            let failure = self.one(run, number, runs.len())?;
            let (name, method) = (run.name.clone(), run.method.clone());
            tried.push(SweptRun { name, method, seed: run.seed, failure });
        }
        let begun = runs.iter().map(|run| self.folder.join(&run.name));
        let comparison = Comparison::of_runs(begun.filter(|run| RunFolder::open(run).is_ok()).collect());
        let [csv, json] = COMPARISON.map(|name| self.folder.join(name));
        comparison.write_csv(&csv)?;
        comparison.write_json(&json)?;
        Ok(Sweep { folder: self.folder.to_owned(), runs: tried, comparison })
    }

    /// What the runs that are left will take; `None` where none are, or no image could be read.
    fn estimate(&self, left: &[&PlannedRun]) -> Result<Option<Estimate>> {
        if left.is_empty() {
            return Ok(None);
        }
        let device = ComputeDevice::open(self.here.device.unwrap_or_default())?;
        cost::estimate(left, &device, &|run| self.settings(run), self.plan.test_name.as_deref(), self.stop)
    }

    /// The settings of a run, as this process starts it.
    fn settings(&self, run: &PlannedRun) -> Settings {
        let out = Some(self.folder.join(&run.name));
        self.here.or(&Settings { out, ..run.settings.clone() })
    }

    /// Trains a run. Why it failed, if it did.
    fn one(&self, run: &PlannedRun, number: usize, of: usize) -> Result<Option<String>> {
        let name = run.name.as_str();
        let end = |end: End<'_>| (self.watch)(Step::Ends { name, end });
        let folder = self.folder.join(name);
        if is_finished(&folder) {
            end(End::Kept);
            return Ok(None);
        }
        (self.watch)(Step::Begins { name, number, of });
        match self.train(run, &folder) {
            Ok(run) => {
                end(End::Done(run.summary()));
                Ok(None)
            }
            Err(Error::Stopped) if self.stop.load(Ordering::Relaxed) => Err(Error::Stopped),
            Err(error) => {
                end(End::Failed(&error));
                Ok(Some(error.to_string()))
            }
        }
    }

    fn train(&self, run: &PlannedRun, folder: &Path) -> Result<Run> {
        let observer = Passing { watch: self.watch, stop: self.stop };
        if RunFolder::open(folder).is_ok() {
            let (device, own_method) = (self.here.device, run.settings.own_method.clone());
            return Run::resume(folder, &ResumeOptions { device, own_method, epochs: None }, &observer);
        }
        // A run that was cut off before it wrote its configuration leaves an empty folder.
        let settings = Settings { force: Some(true), ..self.settings(run) };
        Run::start_named(&settings, self.plan.test_name.as_deref(), Instant::now(), &observer)
    }
}

fn is_finished(folder: &Path) -> bool {
    RunFolder::open(folder).is_ok_and(|(run, _)| run.is_finished())
}

/// An observer that passes progress on.
struct Passing<'a> {
    watch: &'a Watcher<'a>,
    stop: &'a AtomicBool,
}

impl Observer for Passing<'_> {
    fn observe(&self, progress: Progress<'_>) {
        (self.watch)(Step::Run(progress));
    }

    fn stop(&self) -> &AtomicBool {
        self.stop
    }
}
