//! The examples run, and do what they say.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "../examples/find_issues.rs"]
mod find_issues;

#[test]
fn wrong_labels_are_found_from_features() {
    find_issues::main().unwrap();
}
