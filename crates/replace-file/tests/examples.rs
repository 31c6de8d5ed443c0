//! The examples run, and do what they say.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "in a test, a panic is the report; an example's main takes arguments"
)]

#[path = "../examples/counter.rs"]
mod counter;

#[test]
fn a_counter_counts_and_a_file_that_is_no_counter_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counter.txt");
    assert_eq!([(); 3].map(|()| counter::count(&file).unwrap()), [1, 2, 3]);
    std::fs::write(&file, "notes").unwrap();
    assert!(counter::count(&file).is_err());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "notes");
}
