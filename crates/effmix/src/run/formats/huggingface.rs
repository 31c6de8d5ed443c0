//! `metadata.csv`: an `imagefolder` of Hugging Face's library `datasets`.
//!
//! The library takes no path that leaves the folder of the file (`datasets` 5.2, `folder_based_builder.py`), so the file belongs into the folder of
//! the images. That folder is the user's, and so the user copies it there.

use serde::Serialize;

use super::image_files::ImageFiles;
use crate::Result;
use crate::files::write_csv;
use crate::run::folder::RunFolder;
use crate::run::issue::{ImageSet, LabelIssue};

/// The name of the file in a run folder and beside the images: the library looks for no other.
const FILE: &str = "metadata.csv";

#[derive(Serialize)]
struct Row<'a> {
    file_name: String,
    label: &'a str,
    suggested_label: &'a str,
    label_quality: f64,
    p_clean: Option<f64>,
    p_given: f32,
    p_suggested: Option<f32>,
    is_issue: Option<bool>,
    set: ImageSet,
}

/// Writes the rows of images below the set's folder, worst label first, and returns how the file is used.
pub(super) fn write(folder: &RunFolder, table: &[LabelIssue], images: &ImageFiles<'_>) -> Result<String> {
    let rows = table.iter().filter_map(|row| {
        Some(Row {
            file_name: images.below_data(&row.path)?,
            label: &row.given_label,
            suggested_label: &row.suggested_label,
            label_quality: row.label_quality,
            p_clean: row.p_clean,
            p_given: row.p_given,
            p_suggested: row.p_suggested,
            is_issue: row.is_issue,
            set: row.set,
        })
    });
    let path = folder.file(FILE);
    write_csv(&path, rows)?;
    let data = images.data().display();
    let elsewhere = table.iter().filter(|row| images.below_data(&row.path).is_none()).count();
    let left_out = match elsewhere {
        0 => String::new(),
        _ => format!("; {elsewhere} images that do not lie below that folder are left out"),
    };
    Ok(format!(
        "the library datasets reads {FILE} beside the images: copy {} into {data}, then \
         load_dataset(\"imagefolder\", data_files=\"{data}/{FILE}\"){left_out}",
        path.display()
    ))
}
