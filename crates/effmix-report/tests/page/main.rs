//! The page of made-up runs: what is on it, what may be missing, what is said of broken files.
#![allow(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

mod claims;
mod pictures;
mod whole;

use effmix_report::{Options, write};
use image::{Rgb, RgbImage};
use std::fmt::Write as _;
use std::fs;
use tempfile::TempDir;

const CONFIG: &str = r#"program = "effmix"
version = "0.1.0"
classes = ["cat", "<b>dog</b>"]
data = "pets"
epochs = 3
threads = 2
"#;

const METRICS: &str = r#"{"epoch":1,"phase":"warm_up","network":1,"loss_x":0.9,"loss_u":null,"loss_reg":null,"clean_fraction":null,"gmm_means":null,"gmm_weights":null,"test_accuracy":0.5,"clean_auc":null}
{"epoch":1,"phase":"warm_up","network":2,"loss_x":0.8,"loss_u":null,"loss_reg":null,"clean_fraction":null,"gmm_means":null,"gmm_weights":null,"test_accuracy":0.5,"clean_auc":null}
{"epoch":2,"phase":"train","network":1,"loss_x":0.7,"loss_u":0.02,"loss_reg":0.01,"clean_fraction":0.6,"gmm_means":[0.1,0.7],"gmm_weights":[0.6,0.4],"test_accuracy":0.7,"clean_auc":0.9}
{"epoch":2,"phase":"train","network":2,"loss_x":0.6,"loss_u":0.03,"loss_reg":0.02,"clean_fraction":0.5,"gmm_means":[0.2,0.8],"gmm_weights":[0.5,0.5],"test_accuracy":0.7,"clean_auc":0.8}
"#;

const SUMMARY: &str = r#"{"test_accuracy_best":0.71,"test_accuracy_last":0.7,"test_labels":"given","estimated_noise_rate":0.4,
"issues":2,"images":4,"classes":2,"clean_auc":null,"issue_precision":null,"issue_recall":null,"issue_f1":null,
"confusion_given_suggested":[[1,1],[1,1]],"skipped_files":[{"path":"cat/x.jpg","reason":"is <empty>"}],
"seconds":12.5,"images_per_s":400.0,"peak_rss_bytes":1000000}"#;

const ISSUES_HEADER: &str =
    "rank,path,given_label,suggested_label,label_quality,p_clean,p_given,p_suggested,is_issue\n";

/// A folder with these files.
fn run(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn issues(rows: usize) -> String {
    let mut text = ISSUES_HEADER.to_owned();
    for rank in 1..=rows {
        writeln!(text, "{rank},\"cat/a&{rank}.jpg\",cat,<b>dog</b>,0.0{rank},0.1,0.2,0.8,true").unwrap();
    }
    text
}

/// Two networks, whose losses are of different units.
const DIVISION: &str = r#"[
{"network":1,"means":[0.1,0.7],"deviations":[0.05,0.1],"weights":[0.6,0.4],"histogram":[30,2,1,20],"not_finite":0},
{"network":2,"means":[0.2,0.8],"deviations":[0.05,0.1],"weights":[0.5,0.5],"histogram":[25,5,5,18],"not_finite":1}]"#;

fn full_run() -> TempDir {
    run(&[
        ("config.toml", CONFIG),
        ("metrics.jsonl", METRICS),
        ("summary.json", SUMMARY),
        ("division.json", DIVISION),
        ("label_issues.csv", &issues(60)),
    ])
}

/// The page without pictures.
fn page(folder: &TempDir) -> String {
    fs::read_to_string(write(folder.path(), &Options::without_pictures()).unwrap()).unwrap()
}

fn error(folder: &TempDir) -> String {
    write(folder.path(), &Options::without_pictures()).unwrap_err().to_string()
}

/// The page with at most so many pictures, each of them grey.
fn page_with_pictures(folder: &TempDir, images: usize) -> String {
    page_with(folder, images, &|_| Ok(RgbImage::from_pixel(40, 30, Rgb([120; 3]))))
}

fn page_with(
    folder: &TempDir,
    images: usize,
    image: &(dyn Fn(&str) -> Result<RgbImage, String> + Sync),
) -> String {
    fs::read_to_string(
        write(folder.path(), &Options { images, image, ..Options::without_pictures() }).unwrap(),
    )
    .unwrap()
}

/// Whether the parts stand in the page in this order.
fn in_order(html: &str, parts: &[&str]) -> bool {
    let places: Option<Vec<usize>> = parts.iter().map(|part| html.find(part)).collect();
    places.is_some_and(|places| places.is_sorted())
}
