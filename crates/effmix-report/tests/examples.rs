//! The examples run, and do what they say.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "in a test, a panic is the report; an example's main takes arguments"
)]

#[path = "../examples/own_trainer.rs"]
mod own_trainer;

#[test]
fn the_page_of_a_foreign_training_shows_its_issue() {
    let folder = tempfile::tempdir().unwrap();
    let page = std::fs::read_to_string(own_trainer::report(folder.path()).unwrap()).unwrap();
    assert!(page.contains("cat/7.jpg") && page.contains("<svg"));
}
