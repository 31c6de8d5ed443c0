//! What the page says of the labels, and what it leaves unsaid.

use super::{ISSUES_HEADER, METRICS, SUMMARY, full_run, page, page_with_pictures, run};
use std::fs;

/// A summary with these fields as well.
fn summary(fields: &str) -> String {
    format!("{{{fields},{}", SUMMARY.strip_prefix('{').unwrap())
}

fn headline_of(summary: &str) -> String {
    let html = page(&run(&[("metrics.jsonl", METRICS), ("summary.json", summary)]));
    let (_, rest) = html.split_once("<p class=\"headline\">").unwrap();
    rest.split_once("</p>").unwrap().0.to_owned()
}

#[test]
fn the_headline_has_the_numbers_in_words() {
    let known = r#"{"issues":51,"images":1247,"estimated_noise_rate":0.0414,"estimated_noise_rate_low":0.009,
        "estimated_noise_rate_high":0.079,"test_images":140,"test_issues":1}"#;
    assert_eq!(
        headline_of(known),
        "51 of 1,247 labels look wrong. Estimated noise rate: 4.1 % (90 % range: 0.9 to 7.9 %). \
         Of the 140 held-out images, 1 looks wrong."
    );
}

#[test]
fn what_is_not_known_is_not_in_the_headline() {
    assert_eq!(headline_of(SUMMARY), "2 of 4 labels look wrong. Estimated noise rate: 40.0 %.");
    let nulls = r#"{"issues":0,"images":9,"estimated_noise_rate":null,"estimated_noise_rate_low":null,
        "estimated_noise_rate_high":0.1,"test_images":0,"test_issues":null,"withheld":null}"#;
    assert_eq!(headline_of(nulls), "0 of 9 labels look wrong.");
    let html = page(&run(&[("metrics.jsonl", METRICS), ("summary.json", "{}")]));
    assert!(!html.contains("look wrong") && !html.contains("class=\"headline\""));
}

#[test]
fn the_estimate_stands_with_its_interval_among_the_figures() {
    let known = summary(r#""estimated_noise_rate_low":0.31,"estimated_noise_rate_high":0.52"#);
    let html = page(&run(&[("metrics.jsonl", METRICS), ("summary.json", &known)]));
    assert!(html.contains("<dd>40.0 %<small>31.0 to 52.0 % (90 % range)</small></dd>"), "{html}");
}

#[test]
fn the_test_accuracy_comes_with_how_many_test_labels_look_wrong() {
    let note = |fields: &str| {
        let html = page(&run(&[("metrics.jsonl", METRICS), ("summary.json", &summary(fields))]));
        html.split_once("is measured against the given labels").map(|(_, rest)| rest[..90].to_owned())
    };
    let known = r#""test_images":140,"test_issues":9"#;
    assert!(note(known).unwrap().contains("some of which may be wrong: 9 of 140 look so."));
    assert!(note(r#""test_images":null"#).unwrap().contains("some of which may be wrong.</p>"));
    let truth =
        run(&[("metrics.jsonl", METRICS), ("summary.json", &SUMMARY.replace("\"given\"", "\"truth\""))]);
    assert!(!page(&truth).contains("is measured against"));
}

#[test]
fn where_nothing_is_claimed_a_box_says_why_and_no_label_looks_wrong() {
    let known = r#""estimated_noise_rate_low":0.1,"test_images":140,"test_issues":9,"issue_precision":0.5,"#;
    for withheld in [r#""Too few <images>. Add some.""#, r#"["Too few <images>.","Add some."]"#] {
        let folder = full_run();
        let text =
            summary(&format!("{known}\"withheld\":{withheld}")).replace("\"issue_precision\":null,", "");
        fs::write(folder.path().join("summary.json"), text).unwrap();
        let html = page_with_pictures(&folder, 10);
        assert!(html.contains("<div class=\"withheld\" role=\"note\"><p>Too few &lt;images&gt;."));
        assert!(html.contains("Add some.</p></div>"));
        assert_eq!(html.matches("<img").count(), 10);
        for claim in
            ["look wrong", "looks wrong", "Worst labels", "look so", "Label issues", "of issues", "40.0 %"]
        {
            assert!(!html.contains(claim), "{claim}");
        }
    }
}

#[test]
fn an_empty_reason_withholds_nothing() {
    for nothing in ["null", "\"\"", "[]"] {
        let text = summary(&format!("\"withheld\":{nothing}"));
        assert_eq!(headline_of(&text), headline_of(SUMMARY));
    }
}

#[test]
fn a_label_without_a_better_one_stands_alone() {
    let rows = format!("{ISSUES_HEADER}1,a.jpg,cat,,0.2,,0.1,,\n2,b.jpg,cat,cat,0.3,,0.6,0.6,\n");
    let html = page_with_pictures(&run(&[("metrics.jsonl", METRICS), ("label_issues.csv", &rows)]), 10);
    assert_eq!(html.matches("<img").count(), 2);
    assert!(
        html.contains("<span>cat</span> 10.0 %") && !html.contains('→') && !html.contains("after an arrow")
    );
    // The table has the file's cells.
    assert!(html.contains(
        "<td>cat</td><td></td><td class=\"n\">0.200</td><td class=\"n\">10.0 %</td><td class=\"n\"></td>"
    ));
}

/// The titles of the AUC's curves.
const QUALITY: &str = "AUC of label quality (true labels are known)";
const DIVISION: &str = "AUC of the division (true labels are known)";

#[test]
fn the_auc_of_older_metrics_is_the_divisions() {
    let titles = |metrics: &str| {
        let html = page(&run(&[("metrics.jsonl", metrics), ("summary.json", SUMMARY)]));
        [QUALITY, DIVISION].map(|title| html.contains(title))
    };
    assert_eq!(titles(METRICS), [false, true], "these lines have no division_auc");
    let with = |value: &str| METRICS.replace('}', &format!(",\"division_auc\":{value}}}"));
    assert_eq!(titles(&with("0.7")), [true, true]);
    assert_eq!(titles(&with("null")), [true, false], "a method that divides nothing");
}
