//! `effmix compare`: runs beside each other.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use effmix::compare::{COMPARISON_COLUMNS, Comparison, RunGroup, Spread};
use serde_json::Value;

use crate::args::Compare;
use crate::failure::Failure;
use crate::output::{columns, may_write, print, print_json, tell};

/// The most groups of which all values of settings are listed.
const GROUPS_WITH_VALUES: usize = 4;

/// The most columns of text.
const WIDTH: usize = 100;

/// What is between two cells of a line.
const GAP: &str = "  ";

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
    let width = columns(WIDTH);
    let mut lines = Vec::new();
    if comparison.groups.is_empty() {
        lines.push("no finished run".to_owned());
    } else {
        lines.push(format!(
            "{}; mean ± standard deviation over the runs of a line",
            counted(comparison.runs, "finished run")
        ));
        for figures in [&CLASSIFYING[..], &FINDING[..]] {
            lines.extend(table(comparison, figures, width));
        }
        lines.push(String::new());
        lines.extend(following(comparison));
        lines.extend(settings("the same in all: ", &comparison.settings));
    }
    lines.extend(comparison.notes.iter().flat_map(|note| wrapped("note: ", note)));
    lines.extend(left_out(comparison));
    lines.join("\n") + "\n"
}

/// A line for each group, in as many tables as the width takes; nothing where no group has any of the figures.
fn table(comparison: &Comparison, figures: &[Column], width: usize) -> Vec<String> {
    let groups = &comparison.groups;
    let known = |(name, ..): &&Column| groups.iter().any(|group| figure(group, name).is_some());
    let figures: Vec<Vec<String>> =
        figures.iter().filter(known).map(|column| column_of(groups, column)).collect();
    let telling = comparison.differ[..comparison.telling].iter();
    let settings = telling.map(|name| {
        let values = groups.iter().map(|group| shown(group.settings.get(name)));
        std::iter::once(name.clone()).chain(values).collect()
    });
    let seeds = groups.iter().map(|group| group.seeds.iter().collect::<BTreeSet<&u64>>().len().to_string());
    let seeds = std::iter::once("seeds".to_owned()).chain(seeds).collect();
    let names: Vec<Vec<String>> = settings.chain([seeds]).collect();
    let mut lines = Vec::new();
    let mut left = figures.as_slice();
    while !left.is_empty() {
        let fits = |count: &usize| wide(names.iter().chain(&left[..*count])) <= width;
        let count = (1..=left.len()).rev().find(fits).unwrap_or(1);
        let (now, later) = left.split_at(count);
        lines.push(String::new());
        lines.extend(rows(&names.iter().chain(now).collect::<Vec<_>>()));
        left = later;
    }
    lines
}

/// The head of a figure's column, and a cell for each group.
fn column_of(groups: &[RunGroup], (name, head, write): &Column) -> Vec<String> {
    let cells = groups.iter().map(|group| match figure(group, name) {
        None => "-".to_owned(),
        Some(Spread { mean, deviation: None, .. }) => write(mean),
        Some(Spread { mean, deviation: Some(deviation), .. }) => {
            format!("{} ± {}", write(mean), write(deviation))
        }
    });
    std::iter::once((*head).to_owned()).chain(cells).collect()
}

fn width_of(column: &[String]) -> usize {
    column.iter().map(|cell| cell.chars().count()).max().unwrap_or_default()
}

/// The width of a line of these columns.
fn wide<'a>(columns: impl Iterator<Item = &'a Vec<String>>) -> usize {
    columns.map(|column| width_of(column) + GAP.len()).sum::<usize>().saturating_sub(GAP.len())
}

/// The lines of columns, which are of one length.
fn rows(columns: &[&Vec<String>]) -> Vec<String> {
    let count = columns.first().map_or(0, |column| column.len());
    let line = |row: usize| {
        let cell = |column: &&Vec<String>| format!("{:width$}", column[row], width = width_of(column));
        columns.iter().map(cell).collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    };
    (0..count).map(line).collect()
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
    let options = textwrap::Options::new(columns(WIDTH)).initial_indent(start).subsequent_indent("  ");
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
