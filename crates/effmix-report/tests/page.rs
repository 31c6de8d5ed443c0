//! The page of made-up runs: what is on it, what may be missing, what is said of broken files.
#![allow(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

use effmix_report::{Error, write};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
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

/// `losses.npy` as NumPy writes it.
fn losses(folder: &Path, values: &[f32]) {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}\n", values.len());
    let mut bytes =
        [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
    values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    fs::write(folder.join("losses.npy"), bytes).unwrap();
}

fn full_run() -> TempDir {
    let folder = run(&[
        ("config.toml", CONFIG),
        ("metrics.jsonl", METRICS),
        ("summary.json", SUMMARY),
        ("label_issues.csv", &issues(60)),
    ]);
    losses(folder.path(), &[0.0, 0.1, 0.9, 1.0]);
    folder
}

fn page(folder: &TempDir) -> String {
    fs::read_to_string(write(folder.path()).unwrap()).unwrap()
}

fn error(folder: &TempDir) -> String {
    write(folder.path()).unwrap_err().to_string()
}

#[test]
fn a_full_run_shows_figures_charts_confusion_and_the_worst_fifty_labels() {
    let html = page(&full_run());
    for shown in
        ["70.0 %", "71.0 %", "40.0 %", "Given and suggested labels", "Losses at the end", "cat/a&amp;50.jpg"]
    {
        assert!(html.contains(shown), "{shown}");
    }
    // Six curves and the histogram.
    assert_eq!(html.matches("<svg").count(), 7);
    assert!(!html.contains("cat/a&amp;51.jpg"));
}

#[test]
fn names_from_outside_are_escaped() {
    let html = page(&full_run());
    assert!(!html.contains("<b>dog") && !html.contains("<empty>"));
    assert!(html.contains("&lt;b&gt;dog&lt;/b&gt;") && html.contains("is &lt;empty&gt;"));
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let html = page(&full_run()).replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for outside in ["http:", "https:", "<script", "<link", "src=", "@import", "url("] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[test]
fn a_number_that_both_networks_share_is_one_curve() {
    assert_eq!(page(&full_run()).matches("networks together").count(), 1);
}

#[test]
fn times_threads_and_memory_do_not_change_the_page() {
    let one = full_run();
    let other = full_run();
    let slower = SUMMARY.replace("12.5", "99.5").replace("400.0", "50.0").replace("1000000", "2000000");
    fs::write(other.path().join("summary.json"), slower).unwrap();
    fs::write(other.path().join("config.toml"), CONFIG.replace("threads = 2", "threads = 1")).unwrap();
    assert_eq!(page(&one), page(&other));
    // And once more over the page that is there.
    assert_eq!(page(&one), page(&other));
}

#[test]
fn one_epoch_with_nulls_alone_makes_a_page() {
    let line = r#"{"epoch":1,"phase":"warm_up","network":1,"loss_x":2.3,"loss_u":null,"test_accuracy":null}"#;
    let html = page(&run(&[("metrics.jsonl", line)]));
    assert_eq!(html.matches("<svg").count(), 1);
    assert!(html.contains("not come to its end"));
}

#[test]
fn a_run_without_any_epoch_makes_a_page() {
    assert!(page(&run(&[("metrics.jsonl", ""), ("summary.json", SUMMARY)])).contains("70.0 %"));
}

#[test]
fn without_names_classes_are_numbered() {
    let html = page(&run(&[("metrics.jsonl", METRICS), ("summary.json", SUMMARY)]));
    assert!(html.contains("class 0") && html.contains("class 1"));
}

#[test]
fn many_classes_are_shown_by_their_most_frequent_changes() {
    let n = 31;
    let mut matrix = vec![vec![0; n]; n];
    (0..n).for_each(|class| matrix[class][class] = 100);
    matrix[3][5] = 7;
    let summary = format!("{{\"confusion_given_suggested\":{matrix:?}}}");
    let html = page(&run(&[("metrics.jsonl", METRICS), ("summary.json", &summary)]));
    assert!(html.contains("<td>class 3</td><td>class 5</td><td class=\"n\">7</td>"));
    assert!(!html.contains("<td class=\"n\">100</td>"));
}

#[test]
fn a_folder_that_is_no_run_is_refused_with_its_name() {
    let folder = run(&[("summary.json", SUMMARY)]);
    assert!(matches!(write(folder.path()), Err(Error::NotARun(_))));
    assert!(error(&folder).starts_with(&folder.path().display().to_string()));
    assert!(!folder.path().join("report.html").exists());
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let cases = [
        ("metrics.jsonl", format!("{METRICS}{{\"epoch\":"), "metrics.jsonl:5: "),
        ("summary.json", "{\n\"issues\": \"many\"}".to_owned(), "summary.json:2: "),
        (
            "label_issues.csv",
            format!("{ISSUES_HEADER}1,a,b,c,0.1,0.2,0.3,0.4,true\nfirst,a,b,c,0,0,0,0,true\n"),
            "label_issues.csv:3: ",
        ),
        ("label_issues.csv", format!("{ISSUES_HEADER}1,a,b\n"), "label_issues.csv:2: 3 fields instead of 9"),
        ("label_issues.csv", "a,b\n1,2\n".to_owned(), "label_issues.csv:2: "),
        ("config.toml", "data = \"x\"\nepochs = \n".to_owned(), "config.toml:2: "),
    ];
    for (name, text, start) in cases {
        let folder = full_run();
        fs::write(folder.path().join(name), text).unwrap();
        let said = error(&folder);
        let expected = folder.path().join(start).display().to_string();
        assert!(said.starts_with(&expected), "{said}");
    }
}

#[test]
fn only_the_rows_that_are_shown_are_read() {
    let folder = full_run();
    fs::write(folder.path().join("label_issues.csv"), format!("{}not,a,row\n", issues(50))).unwrap();
    write(folder.path()).unwrap();
}
