//! `cargo xtask bench --compare OLD NEW`: whether a change made the program slower.
//!
//! | file | holds |
//! |---|---|
//! | `works` | what both programs do, and how it is timed |
//! | `decision` | when one of them is slower |
//!
//! OLD and NEW are two programs `effmix`. They do each work in turn, OLD first in one round and NEW in the next, so that
//! neither always meets what the other leaves behind (a warm processor, caches).

mod decision;
mod works;

use super::numbers::figure;
use super::statistics::{Spread, order};
use super::{How, reason};
use crate::shell::Shell;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use decision::{FEWEST_ROUNDS, LIMIT, Ratio, Verdict};
use std::path::{Path, PathBuf};
use works::{Effort, Inputs, WORKS, Work};

/// What the programs are called in the table.
const NAMES: [&str; 2] = ["OLD", "NEW"];

pub(super) fn list() {
    for Work { name, what, .. } in &WORKS {
        println!("{name:12} {what}");
    }
}

/// True where NEW is slower at nothing, and both programs could do every work.
pub(super) fn run(programs: &[PathBuf], only: &[String], how: &How) -> Result<bool> {
    ensure!(
        how.rounds >= FEWEST_ROUNDS,
        "--compare needs --rounds {FEWEST_ROUNDS} or more to tell the spread"
    );
    let [old, new] = programs else { bail!("--compare takes two programs, OLD and NEW") };
    let programs = [program(old)?, program(new)?];
    let chosen = chosen(only)?;
    let workspace = Workspace::read()?;
    let inputs =
        Inputs { data: workspace.target.join("bench-data"), scratch: workspace.target.join("bench-compare") };
    if chosen.iter().any(|work| work.needs_files()) {
        prepare(&workspace, &programs[0], &inputs)?;
    }
    let effort = Effort { seconds: how.seconds, threads: how.threads };
    let rows: Vec<Row> =
        chosen.iter().map(|work| measure(work, &programs, &inputs, how.rounds, effort)).collect();
    let Effort { seconds, threads } = effort;
    println!(
        "\nImages a second, median of {} rounds of {seconds} s with {threads} threads. Ratio: NEW's time by OLD's, the median of the \
         rounds and the interval that holds it with at least 90 % confidence. SLOWER: the whole interval is above {LIMIT}.\n\n{}",
        how.rounds,
        table(&rows)
    );
    Ok(rows.iter().all(Row::is_good))
}

fn program(path: &Path) -> Result<PathBuf> {
    ensure!(path.is_file(), "{} is no program", path.display());
    std::path::absolute(path).with_context(|| path.display().to_string())
}

fn chosen(only: &[String]) -> Result<Vec<&'static Work>> {
    if let Some(unknown) = only.iter().find(|name| !WORKS.iter().any(|work| work.name == **name)) {
        bail!(
            "no work of --compare is called `{unknown}`; there are {}",
            WORKS.each_ref().map(|work| work.name).join(", ")
        );
    }
    Ok(WORKS.iter().filter(|work| only.is_empty() || only.iter().any(|name| name == work.name)).collect())
}

/// Makes the images where they are not there yet, and a model of them by OLD.
fn prepare(workspace: &Workspace, old: &Path, inputs: &Inputs) -> Result<()> {
    // The program that makes them takes minutes to build.
    let made = inputs.are_there()
        || Shell::new(&workspace.root, "cargo")
            .words("run --release --locked --package effmix-bench --bin effmix-bench -- prepare")
            .arg(&inputs.data)
            .succeeds()?;
    ensure!(made, "the files to measure with could not be made");
    if inputs.scratch.exists() {
        std::fs::remove_dir_all(&inputs.scratch).with_context(|| inputs.scratch.display().to_string())?;
    }
    std::fs::create_dir_all(&inputs.scratch).with_context(|| inputs.scratch.display().to_string())?;
    works::make_model(old, inputs).context("OLD could not make a model")
}

/// What was measured of a work, a figure a round by each program; or why a program has none.
struct Row {
    name: &'static str,
    figures: [Vec<f64>; 2],
    failed: Option<String>,
}

fn measure(work: &Work, programs: &[PathBuf; 2], inputs: &Inputs, rounds: usize, effort: Effort) -> Row {
    let mut row = Row { name: work.name, figures: [Vec::new(), Vec::new()], failed: None };
    for round in 0..rounds {
        for place in order(programs.len(), round) {
            match work.measure(&programs[place], inputs, effort) {
                Ok(figure) => {
                    eprintln!("{}, round {}: {}: {figure:.2} images/s", work.name, round + 1, NAMES[place]);
                    row.figures[place].push(figure);
                }
                Err(error) => {
                    row.failed = Some(format!("{} failed: {}", NAMES[place], reason(&error)));
                    return row;
                }
            }
        }
    }
    row
}

impl Row {
    fn ratio(&self) -> Option<Ratio> {
        Ratio::of(&self.figures[0], &self.figures[1])
    }

    fn is_good(&self) -> bool {
        self.failed.is_none() && self.ratio().is_some_and(|ratio| ratio.verdict() != Verdict::Slower)
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = "| work | OLD | NEW | ratio | interval | spread of OLD, NEW | verdict |\n|---|---|---|---|---|---|---|\n".to_owned();
    for row in rows {
        let cells = match (&row.failed, row.ratio(), Spread::of(&row.figures[0]), Spread::of(&row.figures[1]))
        {
            (None, Some(ratio), Some(old), Some(new)) => {
                let percent =
                    |spread: Spread| format!("{:.1} %", 100.0 * (spread.most - spread.least) / spread.median);
                let Ratio { median, lower, upper } = ratio;
                format!(
                    "{} | {} | {median:.3} | {lower:.3} to {upper:.3} | {}, {} | {}",
                    figure(old.median),
                    figure(new.median),
                    percent(old),
                    percent(new),
                    ratio.verdict()
                )
            }
            (failed, ..) => format!(" | | | | | {}", failed.as_deref().unwrap_or("too few rounds")),
        };
        text.push_str(&format!("| {} | {cells} |\n", row.name));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(old: &[f64], new: &[f64], failed: Option<&str>) -> Row {
        Row { name: "work", figures: [old.to_vec(), new.to_vec()], failed: failed.map(str::to_owned) }
    }

    #[test]
    fn a_row_has_medians_ratio_interval_spread_and_verdict() {
        let row = row(&[100.0, 102.0, 98.0, 100.0, 100.0], &[50.0, 51.0, 49.0, 50.0, 50.0], None);
        let line = "| work | 100 | 50.0 | 2.000 | 2.000 to 2.000 | 4.0 %, 4.0 % | SLOWER |\n";
        assert!(table(&[row]).ends_with(line));
    }

    #[test]
    fn only_a_slower_program_or_one_that_failed_is_no_success() {
        let old = [100.0; 5];
        assert!(row(&old, &[99.0; 5], None).is_good());
        assert!(row(&old, &[120.0, 90.0, 95.0, 110.0, 100.0], None).is_good());
        assert!(!row(&old, &[90.0; 5], None).is_good());
        let failed = row(&old[..1], &[], Some("NEW failed: no such flag"));
        assert!(!failed.is_good());
        assert!(table(&[failed]).ends_with("| work |  | | | | | NEW failed: no such flag |\n"));
    }

    #[test]
    fn works_are_chosen_by_name() {
        let names = |only: &[&str]| -> Result<Vec<&str>> {
            let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
            Ok(chosen(&only)?.iter().map(|work| work.name).collect())
        };
        assert_eq!(names(&["loader", "train-32"]).unwrap(), ["train-32", "loader"]);
        assert_eq!(names(&[]).unwrap().len(), WORKS.len());
        assert!(names(&["mixture"]).unwrap_err().to_string().contains("`mixture`"));
    }
}
