//! `effmix compare`: runs beside each other.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use effmix::compare::{COMPARISON_COLUMNS, Comparison, RunGroup, Spread};
use serde_json::Value;

use crate::args::Compare;
use crate::failure::Failure;
use crate::output::{may_write, print, print_json, tell};

/// The most groups of which all values of settings are listed.
const GROUPS_WITH_VALUES: usize = 4;

/// Columns of text.
const WIDTH: usize = 100;

/// A figure's name, the head of its column, and how it is written.
type Column = (&'static str, &'static str, fn(f64) -> String);

/// How well the networks classify, and how long that took.
const CLASSIFYING: [Column; 3] = [
    ("test_accuracy_best", "best %", percent),
    ("test_accuracy_last", "last %", percent),
    ("seconds", "seconds", seconds),
];

/// How well wrong labels are found.
const FINDING: [Column; 6] = [
    ("clean_auc", "AUC", share),
    ("division_auc", "division AUC", share),
    ("issue_average_precision", "AP", share),
    ("issue_precision", "precision %", percent),
    ("issue_recall", "recall %", percent),
    ("issue_f1", "F1 %", percent),
];

pub(super) fn run(args: &Compare) -> Result<(), Failure> {
    if let Some(out) = &args.out {
        may_write(out, args.force, COMPARISON_COLUMNS.as_bytes())?;
    }
    let comparison = Comparison::of(&args.runs)?;
    if let Some(out) = &args.out {
        comparison.write_csv(out)?;
        tell(&format!("written: {}", out.display()));
    }
    if args.json {
        print_json(&comparison)?
    } else {
        print(&in_words(&comparison))?
    }
    match comparison.runs {
        0 => Err(Failure::Other("none of the runs is finished, so there is nothing to compare".to_owned())),
        _ => Ok(()),
    }
}

/// The tables, what is the same in all runs, and what should be known of them.
pub(super) fn in_words(comparison: &Comparison) -> String {
    let mut lines = Vec::new();
    if comparison.groups.is_empty() {
        lines.push("no finished run".to_owned());
    } else {
        lines.push(format!(
            "{}; mean ± standard deviation over the runs of a line",
            counted(comparison.runs, "finished run")
        ));
        for columns in [&CLASSIFYING[..], &FINDING[..]] {
            lines.extend(table(comparison, columns));
        }
        lines.push(String::new());
        lines.extend(following(comparison));
        lines.extend(settings("the same in all: ", &comparison.settings));
    }
    lines.extend(comparison.notes.iter().flat_map(|note| wrapped("note: ", note)));
    lines.extend(left_out(comparison));
    lines.join("\n") + "\n"
}

/// A line for each group; nothing where no group has any of the figures.
fn table(comparison: &Comparison, columns: &[Column]) -> Vec<String> {
    let groups = &comparison.groups;
    let known = |(name, ..): &&Column| groups.iter().any(|group| figure(group, name).is_some());
    let columns: Vec<&Column> = columns.iter().filter(known).collect();
    if columns.is_empty() {
        return Vec::new();
    }
    let telling = &comparison.differ[..comparison.telling];
    let head = telling.iter().cloned().chain(["seeds".to_owned()]);
    let head = head.chain(columns.iter().map(|(_, head, _)| (*head).to_owned()));
    let row = |group: &RunGroup| -> Vec<String> {
        let seeds: BTreeSet<&u64> = group.seeds.iter().collect();
        let settings = telling.iter().map(|name| shown(group.settings.get(name)));
        let figures = columns.iter().map(|(name, _, write)| match figure(group, name) {
            None => "-".to_owned(),
            Some(Spread { mean, deviation: None, .. }) => write(mean),
            Some(Spread { mean, deviation: Some(deviation), .. }) => {
                format!("{} ± {}", write(mean), write(deviation))
            }
        });
        settings.chain([seeds.len().to_string()]).chain(figures).collect()
    };
    let rows: Vec<Vec<String>> = std::iter::once(head.collect()).chain(groups.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    std::iter::once(String::new()).chain(rows.iter().map(line)).collect()
}

fn figure(group: &RunGroup, name: &str) -> Option<Spread> {
    group.figures.get(name).copied().flatten()
}

/// The settings that differ with those that name the groups: their values in the order of the lines, or of many groups their names alone.
fn following(comparison: &Comparison) -> Vec<String> {
    let names = &comparison.differ[comparison.telling..];
    if comparison.groups.len() > GROUPS_WITH_VALUES && !names.is_empty() {
        return wrapped("differs as well (--json has the values): ", &names.join(", "));
    }
    let values = |name: &String| {
        let values: Vec<String> =
            comparison.groups.iter().map(|group| shown(group.settings.get(name))).collect();
        (name.clone(), Value::String(values.join(" / ")))
    };
    settings("differs as well, line by line: ", &names.iter().map(values).collect())
}

/// Names and values in lines after a few words; nothing where there are none.
fn settings(start: &str, settings: &BTreeMap<String, Value>) -> Vec<String> {
    if settings.is_empty() {
        return Vec::new();
    }
    let each: Vec<String> =
        settings.iter().map(|(name, value)| format!("{name} {}", shown(Some(value)))).collect();
    wrapped(start, &each.join(", "))
}

fn left_out(comparison: &Comparison) -> Vec<String> {
    let left_out = &comparison.left_out;
    if left_out.is_empty() {
        return Vec::new();
    }
    let in_one_line = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let each = left_out.iter().map(|run| format!("  {}: {}", run.run.display(), in_one_line(&run.reason)));
    std::iter::once(format!("left out: {}", counted(left_out.len(), "run"))).chain(each).collect()
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn wrapped(start: &str, text: &str) -> Vec<String> {
    let options = textwrap::Options::new(WIDTH).initial_indent(start).subsequent_indent("  ");
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

/// A setting's value; a dash where the runs have none of that name.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        // To the digits of a single: 0.002, and not 0.0020000000000000005.
        Some(Value::Number(number)) if number.is_f64() => {
            (number.as_f64().unwrap_or_default() as f32).to_string()
        }
        Some(value) => value.to_string(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

fn share(share: f64) -> String {
    format!("{share:.3}")
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.1}")
}
