//! `datalab.csv`: what `Datalab.get_issues("label")` of cleanlab 2.9 returns, with the path as index.

use serde::Serialize;

use crate::Result;
use crate::files::write_csv;
use crate::run::folder::RunFolder;
use crate::run::issue::LabelIssue;

/// The name of the file in a run folder.
const FILE: &str = "datalab.csv";

#[derive(Serialize)]
struct Row<'a> {
    path: &'a str,
    is_label_issue: bool,
    label_score: f64,
    given_label: &'a str,
    predicted_label: &'a str,
}

/// Writes it in the order of the data set, as Datalab does: by path. Datalab knows no label without a prediction and no undecided label:
/// where there is no suggestion, the given label is predicted, and where nothing is claimed, nothing is an issue.
pub(super) fn write(folder: &RunFolder, table: &[LabelIssue]) -> Result<()> {
    let mut rows: Vec<&LabelIssue> = table.iter().collect();
    rows.sort_by(|a, b| a.path.cmp(&b.path));
    write_csv(
        &folder.file(FILE),
        rows.into_iter().map(|row| Row {
            path: &row.path,
            is_label_issue: row.is_issue == Some(true),
            label_score: row.label_quality,
            given_label: &row.given_label,
            predicted_label: row.predicted_label(),
        }),
    )
}
