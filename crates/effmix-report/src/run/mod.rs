//! A run folder, as far as the page shows it.

mod config;
mod division;
mod duplicates;
mod issues;
mod metrics;
mod smallest;
mod summary;

pub(crate) use config::Config;
pub(crate) use division::Division;
pub(crate) use issues::{Issues, LabelIssue, Set};
pub(crate) use metrics::{EpochRecord, Metrics};
pub(crate) use summary::Summary;

use crate::{Error, Options, Result, shown};
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

/// What a run left behind. Parts that its folder does not have are `None`, or empty.
pub(crate) struct Run {
    pub(crate) metrics: Metrics,
    pub(crate) config: Config,
    pub(crate) summary: Option<Summary>,
    pub(crate) issues: Issues,
    pub(crate) divisions: Vec<Division>,
}

impl Run {
    /// A run, with the rows of at most as many pictures as the options want.
    pub(crate) fn read(folder: &Path, options: &Options<'_>) -> Result<Self> {
        let metrics = metrics::read(&folder.join("metrics.jsonl"))?;
        let summary = summary::read(&folder.join("summary.json"), options.summary)?;
        let claimed = summary.as_ref().is_none_or(Summary::claims);
        let same = duplicates::read(&folder.join("data_issues.csv"))?;
        Ok(Self {
            metrics: metrics.ok_or_else(|| Error::NotARun(folder.to_owned()))?,
            config: config::read(&folder.join("config.toml"))?.unwrap_or_default(),
            summary,
            issues: issues::read(&folder.join("label_issues.csv"), options.images, claimed, &same)?,
            divisions: division::read(&folder.join("division.json"))?,
        })
    }

    /// The name of a class as it is shown, or its number where the names are not known.
    pub(crate) fn class(&self, index: usize) -> String {
        let name = self.config.classes.get(index);
        name.map_or_else(|| format!("class {index}"), |name| shown(name).into_owned())
    }
}

/// A file opened for reading, `None` where there is none.
fn open(path: &Path) -> Result<Option<BufReader<File>>> {
    match File::open(path) {
        Ok(file) => Ok(Some(BufReader::new(file))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::read(path)(error)),
    }
}
