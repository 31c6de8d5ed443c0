//! `cargo xtask matrix`: the table of checks for people, or as the workflow of GitHub.

use super::github;
use super::table::{Command, Needs, ROWS, Row};
use crate::workspace::Workspace;
use anyhow::Result;
use std::fmt::Write;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print .github/workflows/ci.yml instead: one job a row.
    #[arg(long)]
    github: bool,
}

/// Prints the table.
pub(crate) fn run(options: &Options) -> Result<bool> {
    if options.github {
        print!("{}", github::workflow(Workspace::read()?.oldest_rust()?));
    } else {
        print!("{}", text(&ROWS));
    }
    Ok(true)
}

/// The rows below each other, those for the CPU first.
fn text(rows: &[Row]) -> String {
    let title = ["row", "command", "features", "target", "checks", "needs"].map(str::to_owned);
    let is_cuda = |row: &&Row| row.command == Command::Cuda;
    let of_cpu = rows.iter().filter(|row| !is_cuda(row)).map(cells);
    let of_cuda = rows.iter().filter(is_cuda).map(cells);
    let cpu: Vec<_> = std::iter::once(title).chain(of_cpu).collect();
    let cuda: Vec<_> = of_cuda.collect();
    let width =
        |column: usize| cpu.iter().chain(&cuda).map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for (name, rows) in [("CPU", &cpu), ("CUDA", &cuda)] {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{}{name}", if text.is_empty() { "" } else { "\n" });
        for cells in rows {
            let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            let _ = writeln!(text, "{}", padded.collect::<Vec<_>>().join("  ").trim_end());
        }
    }
    text
}

fn cells(row: &Row) -> [String; 6] {
    let needs = match row.needs {
        Needs::Nothing => String::new(),
        Needs::Debian(packages) => packages.join(", "),
        Needs::OldestRust => "that Rust".to_owned(),
    };
    let Row { name, command, features, target, checks, .. } = row;
    let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    [
        (*name).to_owned(),
        command.typed().to_owned(),
        or_none(features),
        or_none(target),
        (*checks).to_owned(),
        needs,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_a_line_for_each_row_and_two_parts() {
        let text = text(&ROWS);
        for Row { name, command, .. } in ROWS {
            let starts = |line: &str| {
                line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(command.typed()))
            };
            assert!(text.lines().any(starts), "{name}");
        }
        assert!(text.starts_with("CPU\nrow ") && text.contains("\n\nCUDA\ncuda-setup "));
        assert!(!text.lines().any(|line| line.ends_with(' ')));
    }
}
