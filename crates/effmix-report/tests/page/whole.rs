//! The page as a whole.

use super::{
    CONFIG, ISSUES_HEADER, METRICS, SUMMARY, error, full_run, in_order, issues, page, page_with_pictures, run,
};
use effmix_report::{Error, Options, write};
use std::fs;

#[test]
fn a_full_run_shows_figures_charts_confusion_and_the_worst_fifty_labels() {
    let html = page(&full_run());
    for shown in
        ["70.0 %", "71.0 %", "40.0 %", "Given and suggested labels", "Losses at the end", "cat/a&amp;50.jpg"]
    {
        assert!(html.contains(shown), "{shown}");
    }
    // Six curves, and a histogram a network.
    assert_eq!(html.matches("<svg").count(), 8);
    assert!(
        html.contains("Histogram of losses, Network 2")
            && html.contains("not finite are left out: there are 1.")
    );
    assert!(!html.contains("cat/a&amp;51.jpg"));
}

#[test]
fn names_from_outside_are_escaped() {
    let html = page_with_pictures(&full_run(), 10);
    assert!(!html.contains("<b>dog") && !html.contains("<empty>"));
    assert!(html.contains("&lt;b&gt;dog&lt;/b&gt;") && html.contains("is &lt;empty&gt;"));
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let html = page_with_pictures(&full_run(), 10)
        .replace("xmlns=\"http://www.w3.org/2000/svg\"", "")
        .replace("src=\"data:image/jpeg;base64,", "");
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
fn the_shade_of_a_cell_is_its_share_of_the_row_in_percent() {
    let summary = r#"{"confusion_given_suggested":[[1,1],[2,1]]}"#;
    let html = page(&run(&[("metrics.jsonl", METRICS), ("summary.json", summary)]));
    assert!(in_order(&html, &["--share:50\">1<", "--share:67\">2<", "--share:33\">1<"]));
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
fn without_a_matrix_the_changes_are_those_of_the_label_issues() {
    let summary = r#"{"classes":3000,"confusion_given_suggested":null}"#;
    let issues =
        issues(7) + "8,cat/b.jpg,<b>dog</b>,cat,0.5,0.5,0.5,0.5,false\n9,cat/c.jpg,cat,,0.9,0.9,0.9,,false\n";
    let html =
        page(&run(&[("metrics.jsonl", METRICS), ("summary.json", summary), ("label_issues.csv", &issues)]));
    let first = "<td>cat</td><td>&lt;b&gt;dog&lt;/b&gt;</td><td class=\"n\">7</td>";
    let second = "<td>&lt;b&gt;dog&lt;/b&gt;</td><td>cat</td><td class=\"n\">1</td>";
    assert!(in_order(&html, &["label_issues.csv has all", first, second]), "{html}");
}

#[test]
fn a_folder_that_is_no_run_is_refused_with_its_name() {
    let folder = run(&[("summary.json", SUMMARY)]);
    assert!(matches!(write(folder.path(), &Options::without_pictures()), Err(Error::NotARun(_))));
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
        // Below the rows that are shown.
        ("label_issues.csv", format!("{}not,a,row\n", issues(60)), "label_issues.csv:62: "),
        ("division.json", "[\n{\"network\": \"one\"}]".to_owned(), "division.json:2: "),
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
fn figures_that_the_caller_gives_win_over_the_file() {
    let folder = full_run();
    let summary = serde_json::json!({"test_accuracy_last": 0.123});
    let options = Options { summary: Some(&summary), ..Options::without_pictures() };
    let html = fs::read_to_string(write(folder.path(), &options).unwrap()).unwrap();
    assert!(html.contains("12.3 %") && !html.contains("70.0 %"));
}

#[test]
fn the_headline_comes_first_then_pictures_then_numbers() {
    let parts = [
        "<h1>Label report: pets</h1>",
        "labels look wrong.",
        "Worst labels",
        "<h2>Figures</h2>",
        "By epoch",
        "Losses at the end",
        "Given and suggested labels",
        "<h2>Lowest ranks</h2>",
        "Skipped files: 1",
        "Settings",
    ];
    let html = page_with_pictures(&full_run(), 10);
    assert!(in_order(&html, &parts));
}
