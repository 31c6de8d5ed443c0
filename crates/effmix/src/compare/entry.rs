//! What is read of a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::identity::{Setting, settings};
use crate::files::read_to_string;
use crate::run::{Provenance, RunFolder};

/// The figures of `summary.json` that are compared, in the order of the columns.
pub const FIGURES: [&str; 9] = [
    "test_accuracy_best",
    "test_accuracy_last",
    "clean_auc",
    "division_auc",
    "issue_average_precision",
    "issue_precision",
    "issue_recall",
    "issue_f1",
    "seconds",
];

/// A finished run.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// `None` where no version ever wrote it.
    pub(super) seed: Option<u64>,
    /// All settings but the seed and those without an influence on the result.
    pub(super) settings: BTreeMap<String, Setting>,
    /// The figures that are known, by their names.
    pub(super) figures: BTreeMap<&'static str, f64>,
    /// Version of the program that made it.
    pub(super) version: Option<String>,
    /// What its accuracy is measured against: `truth` or `given`.
    pub(super) test_labels: Option<String>,
}

impl Entry {
    /// Reads a run; else why it can't be compared.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let (folder, config) = RunFolder::open(path).map_err(|e| e.to_string())?;
        let file = folder.file("summary.json");
        if !file.exists() {
            return Err(format!(
                "is not finished (there is no summary.json); finish it with: effmix resume {}",
                path.display()
            ));
        }
        let text = read_to_string(&file).map_err(|e| e.to_string())?;
        let summary: Value = serde_json::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))?;
        let Value::Object(known) = &summary else {
            return Err(format!("{}: is not the summary of a run", file.display()));
        };
        let provenance = Provenance::deserialize(&summary).ok();
        let figures = FIGURES.iter().filter_map(|name| Some((*name, known.get(*name)?.as_f64()?)));
        let test_labels = known.get("test_labels").and_then(Value::as_str);
        Ok(Self {
            path: path.to_owned(),
            seed: config.settings.seed,
            settings: settings(&config, provenance.as_ref()).map_err(|e| e.to_string())?,
            figures: figures.collect(),
            version: config.metadata.version,
            test_labels: test_labels.map(str::to_owned),
        })
    }
}
