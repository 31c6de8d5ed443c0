//! `data_issues.csv`: images that are there more than once.

use super::issues::in_words;
use super::open;
use crate::Result;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// What `kind` says of them.
const DUPLICATE: &str = "exact_duplicate";

#[derive(Debug, Deserialize)]
struct Row {
    path: String,
    kind: String,
    other_path: Option<String>,
}

/// The same images as each of those that are there more than once, by path; none where there is no such file.
pub(super) fn read(path: &Path) -> Result<HashMap<String, Vec<String>>> {
    let mut same: HashMap<String, Vec<String>> = HashMap::new();
    let Some(file) = open(path)? else { return Ok(same) };
    for row in csv::Reader::from_reader(file).into_deserialize() {
        let Row { path, kind, other_path } = row.map_err(|error| in_words(path, error))?;
        if let (DUPLICATE, Some(other)) = (kind.as_str(), other_path) {
            same.entry(path.clone()).or_default().push(other.clone());
            same.entry(other).or_default().push(path);
        }
    }
    Ok(same)
}
