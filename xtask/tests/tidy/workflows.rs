//! The workflow of GitHub has a job for each row of the table of checks.

use crate::repository::root;
use std::process::Command;

#[test]
fn the_workflow_is_what_xtask_makes_of_the_table() {
    let made = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["matrix", "--github"])
        .output()
        .expect("xtask starts");
    let file = std::fs::read_to_string(root().join(".github/workflows/ci.yml")).unwrap_or_default();
    assert!(
        String::from_utf8_lossy(&made.stdout) == file,
        "make it anew: cargo xtask matrix --github > .github/workflows/ci.yml"
    );
}
