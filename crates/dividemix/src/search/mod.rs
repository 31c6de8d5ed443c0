//! The search for the bases of compound scaling: networks of equal cost, trained on the user's own images, of which the
//! better half goes on.
//!
//! | file | holds |
//! |---|---|
//! | `settings` | what a user can say, and that a folder is gone on with by the same settings alone |
//! | `networks` | which networks are trained: the baseline, the candidates, one dimension alone |
//! | `halving` | which of them are trained how long |
//! | `table` | what came of them, and the CSV of it |
//!
//! The decision behind it: a network is a run folder like any other ([`crate::run`]), and the search keeps no state of its
//! own. Which networks go on follows from their `metrics.jsonl` alone, so that a search which was interrupted goes on by
//! being started again, to the same table.

mod halving;
mod networks;
mod settings;
mod table;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

pub use networks::Kind;
pub use settings::Search;
pub use table::Trial;

use crate::run::{Data, Observer, Progress, RunFolder, Settings, read_metrics, resume, start};
use crate::{Error, Event, Result};
use halving::{better_half, rungs};
use networks::{Networks, Subject};

/// Folder of the networks' run folders, within the search's.
const RUNS: &str = "runs";

/// What a search tells, in order.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
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
    /// What its training tells.
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

/// Who is told.
pub type Watcher<'a> = dyn Fn(Step<'_>) + Sync + 'a;

/// Trains what the settings say and writes `search.csv` into the folder `out`; one that was begun with the same settings is gone
/// on with. Trials come back by rank: the longest trained first, and of these the most accurate.
///
/// # Errors
/// Whatever is wrong with settings, data or disk; [`Error::Output`] where `out` holds something else; [`Error::Stopped`] soon
/// after `stop` is raised.
pub fn search(settings: &Search, out: &Path, watch: &Watcher<'_>, stop: &AtomicBool) -> Result<Vec<Trial>> {
    let plan = settings.check()?;
    let data = Data::open(&plan.train)?;
    if data.folder.test.is_empty() {
        let problem =
            "is 0, and there is no test set: the search compares networks on images held out".to_owned();
        return Err(Error::Setting { name: "--test-fraction", problem });
    }
    let networks = Networks::new(&plan, &data)?;
    let rungs = rungs(plan.epochs(), plan.halvings);
    plan.keep_in(out)?;
    watch(Step::Planned { candidates: networks.candidates.len(), work: networks.work(&rungs) });

    let at_work = AtWork { out, watch, stop };
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
    Ok(trials)
}

/// The accuracy after the last epoch.
fn last(accuracies: &[f64]) -> f64 {
    accuracies.last().copied().unwrap_or_default()
}

struct AtWork<'a> {
    out: &'a Path,
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
        let pause = AtomicBool::new(false);
        let observe: &Observer<'_> = &|progress| {
            let written = matches!(
                progress,
                Progress::Training(_, Event::CheckpointWritten { epoch }) if *epoch == epochs
            );
            // The last epoch has what comes after it.
            if self.stop.load(Ordering::Relaxed) || (written && settings.epochs != Some(epochs)) {
                pause.store(true, Ordering::Relaxed);
            }
            (self.watch)(Step::Run(progress));
        };
        let finished = match RunFolder::open(folder) {
            Ok(_) => resume(folder, None, observe, &pause),
            // What a run that was cut off before it wrote its configuration leaves is an empty folder.
            Err(_) => start(
                &Settings { out: Some(folder.to_owned()), force: Some(true), ..settings.clone() },
                observe,
                &pause,
            ),
        };
        match finished {
            Err(Error::Stopped) if !self.stop.load(Ordering::Relaxed) => Ok(()),
            other => other.map(|_| ()),
        }
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
