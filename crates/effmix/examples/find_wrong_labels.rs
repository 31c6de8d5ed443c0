//! Finds wrong labels in a folder of images: `cargo run --release --example find_wrong_labels -- DATA RUN`, with DATA/CLASS/NAME.jpg, and
//! what was found in the new folder RUN.

#![allow(clippy::print_stdout, reason = "its result")]

use std::path::{Path, PathBuf};

use effmix::{Progress, Run, Settings, read_issues};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [_, data, run] =
        std::env::args_os().map(PathBuf::from).collect::<Vec<_>>().try_into().map_err(|_| "DATA RUN")?;
    for line in find(Settings { data: Some(data), out: Some(run), ..Settings::default() })? {
        println!("{line}");
    }
    Ok(())
}

/// Trains by `settings`; a line for each of the worst labels, or the reason why nothing is said of them.
pub(crate) fn find(settings: Settings) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let run = Run::start(&settings, &|progress: Progress<'_>| {
        if let Progress::Warning(warning) = progress {
            println!("warning: {warning}");
        }
    })?;
    if let Some(reason) = &run.summary().withheld {
        return Ok(vec![reason.clone()]);
    }
    worst(run.path())
}

fn worst(run: &Path) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let issues = read_issues(&run.join("label_issues.csv"))?;
    let wrong = issues.into_iter().filter(|row| row.is_issue == Some(true)).take(20);
    Ok(wrong.map(|row| format!("{}: {} -> {}", row.path, row.given_label, row.suggested_label)).collect())
}
