//! Runs beside each other: those that differ by their seed alone are a group, with the mean and deviation of their figures.
//!
//! | file | holds |
//! |---|---|
//! | `find` | the run folders that a user means |
//! | `entry` | what is read of a run |
//! | `identity` | a setting's value, and by what it is the same as another run's |
//! | `groups` | runs put together, and the settings that differ |
//! | `spread` | mean and deviation |
//! | `table` | `comparison.csv`, `comparison.json` |
//!
//! The decision: `config.toml` and `summary.json` are all that is read, key by key. So runs of older versions, and folders of which only
//! these two files were kept, can be compared.

mod entry;
mod find;
mod groups;
mod identity;
mod spread;
mod table;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use entry::FIGURES;
pub use groups::RunGroup;
pub use spread::Spread;

use crate::Result;
use entry::Entry;
use std::collections::BTreeMap;

/// Runs, by groups.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Number of runs that are compared.
    pub runs: usize,
    /// The settings that are the same in all of them, by their names in `config.toml`.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Names of the settings that differ. The first ones are enough to tell the groups apart ([`Comparison::telling`] of them); the others
    /// follow from these.
    pub differ: Vec<String>,
    /// How many names of `differ` tell the groups apart.
    pub telling: usize,
    /// The groups, in the order in which their first runs were given.
    pub groups: Vec<RunGroup>,
    /// Runs that are not compared.
    pub left_out: Vec<LeftOut>,
    /// What should be known before the groups are compared, a sentence each.
    pub notes: Vec<String>,
}

/// A run that is not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its folder.
    pub run: PathBuf,
    /// Why it is not.
    pub reason: String,
}

impl Comparison {
    /// Compares runs. Each path is a run folder, or a folder below which run folders are.
    ///
    /// # Errors
    /// A path where there is no run folder, and none below it; the disk's.
    pub fn of(paths: &[PathBuf]) -> Result<Self> {
        Ok(Self::of_runs(find::runs(paths)?))
    }

    /// Compares the runs in these folders.
    pub(crate) fn of_runs(runs: Vec<PathBuf>) -> Self {
        let mut entries = Vec::new();
        let mut left_out = Vec::new();
        for run in runs {
            match Entry::read(&run) {
                Ok(entry) => entries.push(entry),
                Err(reason) => left_out.push(LeftOut { run, reason }),
            }
        }
        groups::compared(entries, left_out)
    }

    /// Writes the groups as CSV: a row each, with `group,runs,seeds`, the settings that differ, and mean and deviation of each figure.
    ///
    /// # Errors
    /// The disk's.
    pub fn write_csv(&self, path: &Path) -> Result<()> {
        table::write_csv(path, self)
    }

    /// Writes all of it as JSON.
    ///
    /// # Errors
    /// The disk's.
    pub fn write_json(&self, path: &Path) -> Result<()> {
        table::write_json(path, self)
    }
}

/// What a CSV of [`Comparison::write_csv`] begins with.
pub const COMPARISON_COLUMNS: &str = table::FIRST_COLUMNS;
