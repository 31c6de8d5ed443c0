//! `report.html`: the page of a run.

use std::path::PathBuf;

use effmix_report::Options;

use super::config::Config;
use super::folder::RunFolder;
use super::images::RunImages;
use super::summary::Summary;
use crate::{Error, Result};

/// Writes the page of a run, with at most `images` pictures, else as many as its settings say.
pub(super) fn write_page(
    folder: &RunFolder,
    config: &Config,
    summary: &Summary,
    images: Option<usize>,
) -> Result<PathBuf> {
    let run_images = RunImages::of(config);
    let image = |path: &str| run_images.image(path);
    let images = images.or(config.settings.report_images).unwrap_or(Options::IMAGES);
    let summary = serde_json::to_value(summary)
        .map_err(|e| Error::Data(format!("the figures of the run can't be kept as JSON: {e}")))?;
    Ok(effmix_report::write(folder.path(), &Options { images, summary: Some(&summary), image: &image })?)
}
