//! `comparison.csv` and `comparison.json`.

use std::io;
use std::path::Path;

use serde_json::Value;

use super::entry::FIGURES;
use super::{Comparison, RunGroup};
use crate::Result;
use crate::files::write_atomic;

/// The columns before those of the settings.
pub(super) const FIRST_COLUMNS: &str = "group,runs,seeds,";

pub(super) fn write_json(path: &Path, comparison: &Comparison) -> Result<()> {
    write_atomic(path, |out| {
        serde_json::to_writer_pretty(&mut *out, comparison)?;
        out.write_all(b"\n")
    })
}

pub(super) fn write_csv(path: &Path, comparison: &Comparison) -> Result<()> {
    write_atomic(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        let first = FIRST_COLUMNS.trim_end_matches(',').split(',').map(str::to_owned);
        let settings = comparison.differ.iter().cloned();
        let figures = FIGURES.iter().flat_map(|name| [format!("{name}_mean"), format!("{name}_deviation")]);
        csv.write_record(first.chain(settings).chain(figures)).map_err(io::Error::other)?;
        for (group, number) in comparison.groups.iter().zip(1..) {
            csv.write_record(row(group, number, &comparison.differ)).map_err(io::Error::other)?;
        }
        csv.flush()
    })
}

fn row(group: &RunGroup, number: usize, differ: &[String]) -> Vec<String> {
    let seeds: Vec<String> = group.seeds.iter().map(u64::to_string).collect();
    let first = [number.to_string(), group.runs.len().to_string(), seeds.join(" ")];
    let settings = differ.iter().map(|name| match group.settings.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    });
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let figures = FIGURES.iter().flat_map(|name| {
        let spread = group.figures.get(name).copied().flatten();
        [number(spread.map(|spread| spread.mean)), number(spread.and_then(|spread| spread.deviation))]
    });
    first.into_iter().chain(settings).chain(figures).collect()
}
