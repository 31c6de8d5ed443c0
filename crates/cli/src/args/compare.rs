//! `effmix compare`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// Run folders, and folders of run folders
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Also write the table to a CSV: a row for each group of runs, with the mean and deviation of each figure
    #[arg(long, value_name = "F.csv")]
    pub(crate) out: Option<PathBuf>,
    /// Replace a CSV that begins with group,runs,seeds, as an earlier call wrote it
    #[arg(long)]
    pub(crate) force: bool,
    /// Print JSON, as the only thing on stdout
    #[arg(long)]
    pub(crate) json: bool,
}
