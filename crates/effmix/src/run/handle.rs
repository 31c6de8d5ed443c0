//! A run that came to its end.

use std::path::Path;

use super::folder::RunFolder;
use super::issue::{LabelIssue, read_issues};
use super::page::write_page;
use super::summary::Summary;
use crate::{Error, Result};

/// Files that every finished run has and its page is made from, beside `config.toml` and `summary.json`.
const SHOWN: [&str; 3] = ["metrics.jsonl", "label_issues.csv", "division.json"];

/// A finished run: its folder and its figures.
///
/// ```no_run
/// use effmix::{Progress, Run, Settings};
///
/// let settings = Settings { data: Some("photos".into()), ..Settings::default() };
/// let run = Run::start(&settings, &|progress: Progress<'_>| println!("{progress:?}"))?;
/// for issue in run.label_issues()?.iter().take(10) {
///     println!("{}: {} -> {}", issue.path, issue.given_label, issue.suggested_label);
/// }
/// # Ok::<(), effmix::Error>(())
/// ```
#[derive(Debug)]
pub struct Run {
    pub(super) folder: RunFolder,
    pub(super) summary: Summary,
    pub(super) was_done: bool,
}

impl Run {
    /// Opens the folder of a finished run.
    ///
    /// # Errors
    /// A folder that is no run, or of a run that is not finished.
    pub fn open(path: &Path) -> Result<Self> {
        let (folder, _) = RunFolder::open(path)?;
        if !folder.is_finished() {
            return Err(folder.unfinished());
        }
        Self::finished(folder)
    }

    /// A finished run that needs no work.
    pub(super) fn finished(folder: RunFolder) -> Result<Self> {
        let summary = Summary::read(&folder.file("summary.json"))?;
        Ok(Self { folder, summary, was_done: true })
    }

    /// The run folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The figures of the run.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Whether there was nothing left to do.
    pub fn was_done(&self) -> bool {
        self.was_done
    }

    /// The judged labels, worst first.
    ///
    /// # Errors
    /// The disk's, or a `label_issues.csv` that is none of ours.
    pub fn label_issues(&self) -> Result<Vec<LabelIssue>> {
        read_issues(&self.folder.file("label_issues.csv"))
    }

    /// Writes the run's page anew, with at most `images` pictures; as many as the run's settings say where it is `None`.
    ///
    /// # Errors
    /// The disk's; a file of the run that is missing, or none of ours. Then the page that is there stays.
    pub fn write_page(&self, images: Option<usize>) -> Result<std::path::PathBuf> {
        let (_, config) = RunFolder::open(self.path())?;
        if let Some(missing) = SHOWN.iter().map(|name| self.folder.file(name)).find(|file| !file.is_file()) {
            let problem =
                "is missing, and the page is made from it; put it there again (report.html is as it was)";
            return Err(Error::Format { path: missing, problem: problem.to_owned() });
        }
        write_page(&self.folder, &config, &self.summary, images)
    }
}
