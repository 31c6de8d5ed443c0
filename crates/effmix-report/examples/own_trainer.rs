//! The page of a training that effmix knows nothing of: `cargo run --example own_trainer -- FOLDER`. Any program that writes these files
//! gets the page.

#![allow(clippy::print_stdout, reason = "its result")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use effmix_report::Options;

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder =
        std::env::args_os().nth(1).map_or_else(|| std::env::temp_dir().join("own_trainer"), PathBuf::from);
    println!("{}", report(&folder)?.display());
    Ok(())
}

/// Writes the files of a run, and the page.
pub(crate) fn report(folder: &Path) -> Result<PathBuf, Box<dyn std::error::Error>> {
    fs::create_dir_all(folder)?;
    fs::write(
        folder.join("config.toml"),
        "program = \"own_trainer\"\nclasses = [\"cat\", \"dog\"]\nlr = 0.1\n",
    )?;
    let mut metrics = String::new();
    for epoch in 1..=10 {
        let (loss, accuracy) = (2.0 / f64::from(epoch), 1.0 - 0.5 / f64::from(epoch));
        writeln!(
            metrics,
            r#"{{"epoch":{epoch},"phase":"train","network":1,"loss_x":{loss},"test_accuracy":{accuracy}}}"#
        )?;
    }
    fs::write(folder.join("metrics.jsonl"), metrics)?;
    let issues = "rank,path,given_label,suggested_label,label_quality,p_clean,p_given,p_suggested,is_issue\n\
                  1,cat/7.jpg,cat,dog,0.03,0.1,0.02,0.97,true\n2,dog/2.jpg,dog,,0.9,0.99,0.95,,false\n";
    fs::write(folder.join("label_issues.csv"), issues)?;
    fs::write(
        folder.join("summary.json"),
        r#"{"test_accuracy_last":0.95,"test_labels":"given","images":2,"classes":2,"issues":1,"confusion_given_suggested":[[0,1],[0,1]]}"#,
    )?;
    Ok(effmix_report::write(folder, &Options::without_pictures())?)
}
