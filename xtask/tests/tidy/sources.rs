//! Rules for Rust, Python and shell sources.

use crate::repository::{none, rust_files, text_files};

const LONGEST: usize = 500;

#[test]
fn a_source_file_is_one_idea_of_at_most_500_lines() {
    let kinds = [".rs", ".py", ".sh", ".css", ".js"];
    none(
        "longer than 500 lines",
        text_files()
            .iter()
            .filter(|f| kinds.iter().any(|kind| f.is(kind)))
            .map(|f| (f.text().lines().count(), &f.path))
            .filter(|(lines, _)| *lines > LONGEST)
            .map(|(lines, path)| format!("{path}: {lines}")),
    );
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not break its own rule.
    let marks = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("XX", "X"),
    ];
    let breaks = move |line: &str| marks.iter().any(|mark| line.contains(mark));
    none("things left for later", rust_files().iter().flat_map(|f| f.places(breaks)));
}

#[test]
fn no_test_is_ignored() {
    let mark = concat!("#[", "ignore");
    none(
        "a test that never runs checks nothing",
        rust_files().iter().flat_map(|f| f.places(|l| l.contains(mark))),
    );
}

/// Clippy sees to it too, but not in code that a platform or a feature hides from it.
#[test]
fn a_lint_is_silenced_with_a_reason() {
    let mark = concat!("all", "ow(");
    let mut places = Vec::new();
    for file in rust_files() {
        for (at, _) in file.text().match_indices(mark) {
            let before = &file.text()[..at];
            let is_attribute = before.ends_with("#[") || before.ends_with("#![");
            let body = file.text()[at..].split(")]").next().unwrap_or_default();
            if is_attribute && !body.contains("reason = \"") {
                places.push(format!("{}:{}", file.path, before.lines().count()));
            }
        }
    }
    none("a silenced lint without its reason", places);
}

/// Those of tests are named where they are declared.
#[test]
fn every_module_says_what_it_is() {
    let breaks = |text: &str| !text.starts_with("//!") && !text.starts_with("#![doc");
    none(
        "no `//!` on top",
        rust_files().iter().filter(|f| f.path.contains("/src/") && breaks(f.text())).map(|f| f.path.clone()),
    );
}
