//! The files that grow with the epochs of a training.

use dividemix::Event;

use super::folder::RunFolder;
use super::progress::Training;
use super::record::{Lines, Timing};
use super::trajectories::Trajectories;
use crate::Result;

/// The files of one training that get a line, or a column, an epoch.
pub(super) struct EpochFiles {
    metrics: Lines,
    /// The main training's alone.
    timing: Option<Lines>,
    /// Where they were asked for.
    trajectories: Option<Trajectories>,
}

impl EpochFiles {
    /// The files with what they hold of the first `done` epochs.
    pub(super) fn open(
        folder: &RunFolder,
        which: Training,
        done: usize,
        trajectories: Option<Trajectories>,
    ) -> Result<Self> {
        let (metrics, timing) = match which {
            Training::Main => ("metrics.jsonl", Some("timing.jsonl")),
            Training::Plain => ("plain_metrics.jsonl", None),
        };
        let lines = |name| Lines::up_to(folder.file(name), done);
        Ok(Self { metrics: lines(metrics)?, timing: timing.map(lines).transpose()?, trajectories })
    }

    /// Adds what an event has for them.
    pub(super) fn add(&mut self, event: &Event) -> Result<()> {
        match (event, &mut self.trajectories) {
            (Event::Evaluated { epoch, predictions }, Some(table)) => {
                table.add(*epoch, &predictions.losses()?, &predictions.predicted()?)
            }
            (Event::EpochDone { records, seconds, images_per_s }, _) => {
                self.metrics.add(records)?;
                let Some((timing, record)) = self.timing.as_ref().zip(records.first()) else { return Ok(()) };
                let (epoch, seconds, train_images_per_s) = (record.epoch, *seconds, *images_per_s);
                timing.add(&[Timing { epoch, seconds, train_images_per_s }])
            }
            _ => Ok(()),
        }
    }
}
