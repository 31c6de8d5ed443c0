//! `--format`: the rows of `label_issues.csv` as files that other programs read.
//!
//! | file | holds |
//! |---|---|
//! | `datalab` | `datalab.csv`: the columns of cleanlab's Datalab |
//! | `huggingface` | `metadata.csv`: an `imagefolder` of the library `datasets` |
//! | `label_studio` | `label_studio.json`: tasks with predictions; `label_studio.xml`: the labelling interface for them |
//! | `parquet` | `label_issues.parquet`: the columns of `label_issues.csv` with their types |
//! | `image_files` | where the images lie, for formats that name the files |

mod datalab;
mod huggingface;
mod image_files;
mod label_studio;
mod parquet;

pub(crate) use image_files::ImageFiles;

use super::folder::RunFolder;
use super::issue::LabelIssue;
use crate::settings::IssueFormat;
use crate::{Error, Result};

/// Writes the rows of `label_issues.csv`, worst first, into the run folder in each of these formats. Returns what a user must know to use the
/// files, a sentence each.
///
/// # Errors
/// The disk's.
pub(crate) fn write_formats(
    folder: &RunFolder,
    formats: &[IssueFormat],
    table: &[LabelIssue],
    images: &ImageFiles<'_>,
    classes: &[String],
) -> Result<Vec<String>> {
    let mut notices = Vec::new();
    for format in IssueFormat::ALL.iter().filter(|format| formats.contains(format)) {
        notices.extend(match format {
            IssueFormat::Datalab => datalab::write(folder, table).map(|()| None)?,
            IssueFormat::HuggingFace => huggingface::write(folder, table, images).map(Some)?,
            IssueFormat::LabelStudio => label_studio::write(folder, table, images, classes).map(Some)?,
            IssueFormat::Parquet => parquet::write(folder, table).map(|()| None)?,
        });
    }
    Ok(notices)
}

/// Checks that these formats can be written of a set whose images lie in files, or don't.
///
/// # Errors
/// [`Error::Setting`] for a format that names image files where there are none.
pub(super) fn check_formats(formats: &[IssueFormat], has_files: bool) -> Result<()> {
    let names_files = |format: &&IssueFormat| format.names_files();
    match formats.iter().find(names_files) {
        Some(format) if !has_files => {
            let problem = format!(
                "{} names the file of each image, and these images are not files of their own; datalab and parquet are possible",
                format.name()
            );
            Err(Error::setting("--format", problem))
        }
        _ => Ok(()),
    }
}
