//! `--start-from RUN`: another run's division and refined labels, matched to this run's images by path.

use std::collections::HashMap;
use std::path::Path;

use image_folder::Sample;

use super::class_names::difference;
use super::folder::RunFolder;
use super::issue::{LabelIssue, read_issues, training_rows};
use crate::files::read_npy;
use crate::{Error, Result};

/// The folder of a finished run on the same classes.
///
/// # Errors
/// A folder that holds no finished run; a run with other classes.
pub(super) fn finished_run(run: &Path, classes: &[String]) -> Result<RunFolder> {
    let (folder, config) = RunFolder::open(run)?;
    if !folder.is_finished() {
        return Err(folder.unfinished());
    }
    if config.metadata.classes.as_deref() != Some(classes) {
        let theirs = config.metadata.classes.unwrap_or_default();
        let problem =
            format!("its classes are others than the data's, which have {}", difference(&theirs, classes));
        return Err(Error::Format { path: run.to_owned(), problem });
    }
    Ok(folder)
}

/// What a finished run found about these samples.
///
/// # Errors
/// A folder that holds no finished run; a run with other classes; samples that the run doesn't know.
pub(crate) fn start_from(run: &Path, samples: &[Sample], classes: &[String]) -> Result<dividemix::Start> {
    let folder = finished_run(run, classes)?;
    let wrong = |problem: String| Error::Format { path: run.to_owned(), problem };
    let mut issues = training_rows(read_issues(&folder.file("label_issues.csv"))?);
    let (probabilities, shape) = read_npy(&folder.file("pred_probs.npy"))?;
    if shape != [issues.len(), classes.len()] {
        return Err(wrong(format!(
            "pred_probs.npy is {shape:?} for {} training rows of label_issues.csv",
            issues.len()
        )));
    }
    issues.sort_by(|a, b| a.path.cmp(&b.path));
    let places: HashMap<&str, usize> =
        issues.iter().enumerate().map(|(i, row)| (row.path.as_str(), i)).collect();
    let unknown: Vec<&str> =
        samples.iter().map(|s| s.path.as_str()).filter(|path| !places.contains_key(path)).collect();
    if let Some(first) = unknown.first() {
        return Err(wrong(format!(
            "it knows nothing of {} of the {} images (the first is {first}); it must be a run on the same images",
            unknown.len(),
            samples.len()
        )));
    }
    let rows: Vec<usize> = samples.iter().map(|s| places[s.path.as_str()]).collect();
    let of = |what: fn(&LabelIssue) -> f64| rows.iter().map(|&row| what(&issues[row])).collect();
    Ok(dividemix::Start {
        clean_probability: of(|row| row.p_clean.unwrap_or(1.0)),
        label_quality: of(|row| row.label_quality),
        probabilities: rows
            .iter()
            .flat_map(|&row| &probabilities[row * classes.len()..][..classes.len()])
            .copied()
            .collect(),
    })
}
