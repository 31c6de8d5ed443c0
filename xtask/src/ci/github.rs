//! .github/workflows/ci.yml, made from the table of checks: one job a row.

use super::table::{Command, Needs, ROWS};
use std::fmt::Write;

/// The head of the file: when the jobs run.
const HEAD: &str = r#"# `cargo xtask matrix --github > .github/workflows/ci.yml` writes this file from xtask/src/ci/table.rs.
name: ci

on:
  push:
    branches: [main]
  pull_request:
  schedule:
    - cron: "0 3 * * 1"
  workflow_dispatch:

permissions:
  contents: read

env:
  CI: "true"
  CARGO_TERM_COLOR: always

jobs:
"#;

/// The end of the file: other systems.
const ELSEWHERE: &str = r#"
  # Elsewhere the tests alone: style and packaging are the same everywhere.
  elsewhere:
    name: ${{ matrix.os }}
    strategy:
      fail-fast: false
      matrix:
        os: [macos-latest, windows-latest]
    runs-on: ${{ matrix.os }}
    steps:
      - uses: actions/checkout@v4
      - run: cargo xtask ci --only tests,doctests
"#;

/// The rows of a command, with what is said of them above the jobs.
struct Group {
    command: Command,
    job: &'static str,
    comment: &'static str,
    /// A condition for the jobs; empty where they always run.
    condition: &'static str,
}

const GROUPS: [Group; 3] = [
    Group {
        command: Command::Ci,
        job: "ci",
        comment: "The checks of every commit, on the platform that releases are made on.",
        condition: "",
    },
    Group {
        command: Command::Deep,
        job: "deep",
        comment: "The long ones: once a week, and by hand.",
        condition: "github.event_name == 'schedule' || github.event_name == 'workflow_dispatch'",
    },
    Group {
        command: Command::Cuda,
        job: "cuda",
        comment: "The feature `cuda`, on machines without a GPU: tests that need one are counted as skipped.",
        condition: "",
    },
];

/// The whole file.
pub(super) fn workflow(oldest_rust: &str) -> String {
    let groups = GROUPS.iter().map(|group| jobs(group, oldest_rust)).collect::<Vec<_>>().join("\n");
    format!("{HEAD}{groups}{ELSEWHERE}")
}

fn jobs(group: &Group, oldest_rust: &str) -> String {
    let Group { command, job, comment, condition } = group;
    let condition = if condition.is_empty() { String::new() } else { format!("    if: {condition}\n") };
    let mut text = format!(
        "  # {comment}\n  {job}:\n    name: {job} ${{{{ matrix.row }}}}\n{condition}    strategy:\n      \
         fail-fast: false\n      matrix:\n        include:\n"
    );
    for row in ROWS.iter().filter(|row| row.command == *command) {
        // Writing to a text does not fail.
        let _ = writeln!(text, "          - row: {}", row.name);
        if let Some(prepare) = prepare(row.needs, oldest_rust) {
            let _ = writeln!(text, "            prepare: {prepare}");
        }
    }
    text.push_str(
        "    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      \
         - if: matrix.prepare\n        run: ${{ matrix.prepare }}\n      \
         - run: bash .ci/run --only ${{ matrix.row }}\n",
    );
    text
}

/// The command that brings what a row needs.
fn prepare(needs: Needs, oldest_rust: &str) -> Option<String> {
    match needs {
        Needs::Nothing => None,
        Needs::Debian(packages) => {
            Some(format!("sudo apt-get update && sudo apt-get install --yes {}", packages.join(" ")))
        }
        Needs::OldestRust => Some(format!("rustup toolchain install {oldest_rust} --profile minimal")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_one_job() {
        let workflow = workflow("1.95");
        for row in ROWS {
            let line = format!("- row: {}", row.name);
            assert_eq!(workflow.lines().filter(|l| l.trim() == line).count(), 1, "{}", row.name);
        }
    }

    #[test]
    fn a_row_comes_with_the_command_that_brings_what_it_needs() {
        let workflow = workflow("1.42");
        assert!(workflow.contains("- row: oldest\n            prepare: rustup toolchain install 1.42 "));
        assert!(workflow.contains("--yes qemu-user gcc-aarch64-linux-gnu\n"));
    }
}
