//! The search for the bases of compound scaling: networks of equal cost, trained on the user's own images, of which the
//! better half goes on.
//!
//! | file | holds |
//! |---|---|
//! | `settings` | what a user can set; a folder is continued by the same settings alone |
//! | `networks` | which networks are trained: the baseline, the candidates, one dimension alone |
//! | `halving` | which of them are trained how long |
//! | `table`, `picture` | the result: a CSV and a picture |
//!
//! The decision: a network is a run folder like any other ([`crate::Run`]), and the search keeps no state of its
//! own. Which networks go on follows from their `metrics.jsonl` alone, so that a search which was interrupted goes on by
//! being started again, to the same table.

mod halving;
mod networks;
mod picture;
mod settings;
mod table;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

pub use networks::Kind;
pub use settings::Search;
pub use table::Trial;

use dividemix::Event;

use crate::data::Data;
use crate::device::ComputeDevice;
use crate::files::write_atomic;
use crate::run::{Observer, Progress, ResumeOptions, Run, RunFolder, read_metrics};
use crate::settings::{DeviceChoice, Settings};
use crate::{Error, Result};
use halving::{better_half, rungs};
use networks::{Networks, Subject};

/// Folder of the networks' run folders, within the search's.
const RUNS: &str = "runs";

/// What a search reports, in order.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// What computes, in words.
    Device(&'a str),
    /// The networks are chosen: so many multiply-accumulates times epochs will be trained in all.
    Planned {
        /// Candidates for the bases.
        candidates: usize,
        /// Multiply-accumulates of one image, summed over epochs and networks.
        work: f64,
    },
    /// A network is trained up to an epoch.
    Begins {
        /// Its name.
        name: &'a str,
        /// Of one image, forward.
        macs: u64,
        /// The epoch.
        epochs: usize,
    },
    /// Progress of its training.
    Run(Progress<'a>),
    /// It is trained so far.
    Ends {
        /// Its name.
        name: &'a str,
        /// Of one image, forward.
        macs: u64,
        /// The epoch.
        epochs: usize,
        /// On the held-out images, 0..1.
        accuracy: f64,
        /// Multiply-accumulates times epochs, as in [`Step::Planned`]; 0 where it was trained so far before.
        work: f64,
        /// Seconds that it took now.
        seconds: f64,
    },
}

/// Takes what a search reports.
pub type Watcher<'a> = dyn Fn(Step<'_>) + Sync + 'a;

/// Trains the networks that the settings ask for, and writes `search.csv` and `search.svg` into the folder `out`. A search that was begun with the same settings is gone
/// on with. Trials come back by rank: the longest trained first, and of these the most accurate.
///
/// # Errors
/// Whatever is wrong with settings, data or disk; [`Error::Output`] where `out` holds something else; [`Error::Stopped`] soon
/// after `stop` is raised.
pub fn search(settings: &Search, out: &Path, watch: &Watcher<'_>, stop: &AtomicBool) -> Result<Vec<Trial>> {
    let plan = settings.check()?;
    let device = ComputeDevice::open(settings.train.device.unwrap_or_default())?;
    watch(Step::Device(&device.describe()));
    let data = Data::open(&plan.train)?;
    if data.folder.test.is_empty() {
        let problem =
            "is 0, and there is no test set: the search compares networks on images held out".to_owned();
        return Err(Error::setting("--test-fraction", problem));
    }
    plan.train.clone().resolve(&data.stats)?;
    let networks = Networks::new(&plan, &data)?;
    networks.check(&data)?;
    let rungs = rungs(plan.epochs(), plan.halvings);
    // From here on the folder holds a search by these settings, so they were checked before.
    plan.keep_in(out)?;
    watch(Step::Planned { candidates: networks.candidates.len(), work: networks.work(&rungs) });

    let at_work = AtWork { out, device: device.choice(), watch, stop };
    let mut trials = Vec::new();
    let mut going = networks.candidates.clone();
    for (rung, &epochs) in rungs.iter().enumerate() {
        let mut reached = Vec::new();
        for subject in going {
            let accuracies = at_work.train(&subject, epochs)?;
            reached.push((subject, accuracies));
        }
        let scores: Vec<f64> = reached.iter().map(|(_, accuracies)| last(accuracies)).collect();
        let kept = if rung + 1 == rungs.len() { Vec::new() } else { better_half(&scores) };
        going = kept.iter().map(|&place| reached[place].0.clone()).collect();
        let ended = reached.into_iter().enumerate().filter(|(place, _)| !kept.contains(place));
        trials.extend(ended.map(|(_, (subject, accuracies))| Trial::new(subject, &accuracies)));
    }
    table::rank(&mut trials);
    if plan.alone > 0 {
        // The networks that the found bases are for, beside what one base alone does.
        let found = trials.first().map(Trial::bases);
        for subject in networks.beside(found)? {
            let accuracies = at_work.train(&subject, plan.epochs())?;
            trials.push(Trial::new(subject, &accuracies));
        }
        table::rank(&mut trials);
    }
    table::write(&out.join("search.csv"), &trials)?;
    let picture = picture::picture(&trials)?;
    write_atomic(&out.join("search.svg"), |file| file.write_all(picture.as_bytes()))?;
    Ok(trials)
}

/// The accuracy after the last epoch.
fn last(accuracies: &[f64]) -> f64 {
    accuracies.last().copied().unwrap_or_default()
}

struct AtWork<'a> {
    out: &'a Path,
    device: DeviceChoice,
    watch: &'a Watcher<'a>,
    stop: &'a AtomicBool,
}

impl AtWork<'_> {
    /// Trains a network up to an epoch, from where it is. Accuracies on the held-out images after each epoch.
    fn train(&self, subject: &Subject, epochs: usize) -> Result<Vec<f64>> {
        let Subject { name, settings, candidate, .. } = subject;
        let macs = candidate.cost.macs;
        let folder = self.out.join(RUNS).join(name);
        let mut accuracies = accuracies(&folder)?;
        let began = Instant::now();
        let missing = epochs.saturating_sub(accuracies.len());
        if missing > 0 {
            (self.watch)(Step::Begins { name, macs, epochs });
            self.run(&folder, settings, epochs)?;
            accuracies = self::accuracies(&folder)?;
        }
        accuracies.truncate(epochs);
        (self.watch)(Step::Ends {
            name,
            macs,
            epochs,
            accuracy: last(&accuracies),
            work: macs as f64 * missing as f64,
            seconds: began.elapsed().as_secs_f64(),
        });
        Ok(accuracies)
    }

    /// Starts its run, or goes on with it, and stops it once the epoch is on the disk.
    fn run(&self, folder: &Path, settings: &Settings, epochs: usize) -> Result<()> {
        // After the last epoch a run has its results to write, so it isn't paused there.
        let pause_after = (settings.epochs != Some(epochs)).then_some(epochs);
        let observer =
            Pausing { watch: self.watch, stop: self.stop, pause_after, pause: AtomicBool::new(false) };
        let finished = match RunFolder::open(folder) {
            Ok(_) => Run::resume(
                folder,
                &ResumeOptions { device: Some(self.device), ..ResumeOptions::default() },
                &observer,
            ),
            // A run that was cut off before it wrote its configuration leaves an empty folder.
            Err(_) => Run::start(
                &Settings {
                    out: Some(folder.to_owned()),
                    force: Some(true),
                    device: Some(self.device),
                    ..settings.clone()
                },
                &observer,
            ),
        };
        match finished {
            Err(Error::Stopped) if !self.stop.load(Ordering::Relaxed) => Ok(()),
            other => other.map(|_| ()),
        }
    }
}

/// An observer that passes progress on, and stops the run once the checkpoint of an epoch is on the disk.
struct Pausing<'a> {
    watch: &'a Watcher<'a>,
    stop: &'a AtomicBool,
    pause_after: Option<usize>,
    pause: AtomicBool,
}

impl Observer for Pausing<'_> {
    fn observe(&self, progress: Progress<'_>) {
        let written = match progress {
            Progress::Training(_, Event::CheckpointWritten { epoch }) => Some(*epoch) == self.pause_after,
            _ => false,
        };
        if written || self.stop.load(Ordering::Relaxed) {
            self.pause.store(true, Ordering::Relaxed);
        }
        (self.watch)(Step::Run(progress));
    }

    fn stop(&self) -> &AtomicBool {
        &self.pause
    }
}

/// Accuracies after the epochs of a run that are on the disk; none where it was not begun.
fn accuracies(folder: &Path) -> Result<Vec<f64>> {
    let metrics = folder.join("metrics.jsonl");
    if !fs::exists(&metrics).map_err(Error::io("can't read", &metrics))? {
        return Ok(Vec::new());
    }
    let records = read_metrics(&metrics)?;
    // All networks of a run have the same: that of all together.
    let of_first = records.iter().filter(|record| record.network == 1);
    Ok(of_first.filter_map(|record| record.test_accuracy).collect())
}
