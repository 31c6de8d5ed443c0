//! `cargo xtask bench accuracy`: every method on every noise, and a table of how well they do.
//!
//! The decision: a result is a run folder, made by the program as a user makes it. What is there is not made again, so the table
//! can be interrupted, and one method more costs its own runs.
//!
//! | file | holds |
//! |---|---|
//! | `options` | which part of the table is asked for |
//! | `setting` | noises, methods and their flags |
//! | `passes` | samples through a network |

mod options;
mod passes;
mod setting;

pub(super) use options::Options;

use super::RESULTS;
use super::machine::{Machine, today};
use super::real::Trainings;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use options::is_asked;
use passes::{Record, passes};
use serde::Deserialize;
use setting::{CE, CLASSES, COMMON, IMAGES, METHODS, NOISES, Noise};
use std::fmt::Write;

/// Of a run's `summary.json`.
#[derive(Deserialize)]
struct Summary {
    test_accuracy_best: f64,
    test_accuracy_last: f64,
    /// Of `label_quality`.
    clean_auc: Option<f64>,
}

/// Of a line of a run's `timing.jsonl`: one epoch, evaluation included.
#[derive(Deserialize)]
struct Timing {
    seconds: f64,
}

/// What a run came to.
struct Found {
    best: f64,
    last: f64,
    auc: Option<f64>,
    seconds: f64,
    passes: f64,
}

/// True where every run came to its end.
pub(super) fn run(options: &Options) -> Result<bool> {
    if options.full {
        return super::papers::run(options.data.as_deref(), options.quick);
    }
    let workspace = Workspace::read()?;
    let folder = if options.quick { "accuracy-quick" } else { "accuracy" };
    let trainings = Trainings::prepare(&workspace, folder, options.data.as_deref())?;
    let per_class = options.images.map_or(IMAGES, |images| images as usize) / CLASSES;
    let table = Table { trainings, quick: options.quick, per_class };
    let mut text = head(options, per_class);
    let mut good = true;
    for noise in NOISES.iter().filter(|noise| is_asked(&options.noises, noise.name)) {
        if let Some(flags) = noise.made_by {
            table.trainings.noise(&format!("{}.csv", noise.name), flags)?;
        }
        // Writing to a text does not fail.
        let columns = if noise.seeds { TIMED_COLUMNS } else { COLUMNS };
        let _ = write!(text, "\n## {}\n\n{columns}", capitalised(noise.what));
        for (method, flags, seeds) in METHODS.into_iter().filter(|row| is_asked(&options.methods, row.0)) {
            let seeds = if noise.seeds && !table.quick { seeds } else { 1 };
            let seeds = if options.seeds.is_empty() { (1..=seeds).collect() } else { options.seeds.clone() };
            let runs = seeds.into_iter().map(|seed| table.run(method, flags, noise, seed));
            let cells = match runs.collect::<Result<Vec<Found>>>() {
                Ok(runs) if noise.seeds => cells(&runs) + &timed_cells(&runs),
                Ok(runs) => cells(&runs),
                Err(error) => {
                    eprintln!("{method} on {}: {error:#}", noise.name);
                    good = false;
                    " failed | | | | | |".to_owned()
                }
            };
            let row = format!("| `{}` |{cells}", shown(method, flags));
            println!("{}: {row}", noise.name);
            text += &row;
            text.push('\n');
        }
    }
    // The table of the documentation is that of all methods and noises alone.
    let out = match table.quick || options.is_a_part() {
        true => table.trainings.folder.join("accuracy.md"),
        false => workspace.root.join(RESULTS).join("accuracy.md"),
    };
    std::fs::write(&out, text).with_context(|| out.display().to_string())?;
    println!("Written: {}", out.display());
    Ok(good)
}

const COLUMNS: &str = "| `--method` | best | last | AUC |\n|---|---|---|---|\n";
const TIMED_COLUMNS: &str =
    "| `--method` | best | last | AUC | passes | s | µs a pass |\n|---|---|---|---|---|---|---|\n";

/// What stands above the tables.
fn head(options: &Options, per_class: usize) -> String {
    let machine = Machine::here();
    let command = options.command();
    format!(
        "# Methods and noises\n\nAccuracy in % on CIFAR-10's 10,000 test images, true labels: the best epoch's and the last one's, mean \
     ± deviation where there are several seeds; the AUC of `label_quality` against the truth. The first {per_class} training \
     images a class, a head of 256 units on EfficientNet-Lite0's frozen features at 160 px, 25 epochs; a method's own numbers are \
     its defaults ([methods.md](../methods.md)). Passes are samples through a network, in millions, a backward pass counted as two \
     and evaluation of training and test images included; seconds are those of all epochs, without features and a teacher's look \
     at the images. The defaults' rate, dropout and mixing were chosen on other images, the rest on these \
     ([how](../benchmarks.md#the-defaults-for-a-frozen-backbone)). Measured on {}, {} ({} cores):\n\n```sh\n{command}\n```\n",
        today(),
        machine.processor,
        machine.cores
    )
}

fn capitalised(what: &str) -> String {
    let mut letters = what.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A method, and what is special about it here.
fn shown(method: &str, flags: &str) -> String {
    let flags = flags.replace("--warmup 0", "").replace("--teacher TEACHER", "");
    format!("{method} {}", flags.trim()).trim_end().to_owned()
}

struct Table {
    trainings: Trainings,
    quick: bool,
    /// Training images of each class.
    per_class: usize,
}

impl Table {
    fn run(&self, method: &str, flags: &str, noise: &Noise, seed: usize) -> Result<Found> {
        let name = shown(method, flags).replace(" --", "-").replace([' ', '.'], "-");
        let (set, per_class) = (self.set(noise), self.per_class);
        let teacher = format!("{set}-ce-{seed}");
        let quick = if self.quick { "--epochs 5 --warmup 1" } else { "" };
        let all = format!(
            "{COMMON} --per-class {per_class} {} --method {method} {} {quick} --seed {seed}",
            noise.labels,
            flags.replace("TEACHER", &teacher)
        );
        if method == "distill" {
            // It may not be among the methods that were asked for.
            self.run("ce", CE, noise, seed)?;
        }
        let run = self.trainings.run(&format!("{set}-{name}-{seed}"), &all)?;
        let read = |name: &str| {
            let path = run.join(name);
            std::fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        let Summary { test_accuracy_best, test_accuracy_last, clean_auc } =
            serde_json::from_str(&read("summary.json")?).context("summary.json")?;
        let records: Vec<Record> = lines(&read("metrics.jsonl")?)?;
        let timings: Vec<Timing> = lines(&read("timing.jsonl")?)?;
        Ok(Found {
            best: test_accuracy_best,
            last: test_accuracy_last,
            auc: clean_auc,
            seconds: timings.iter().map(|timing| timing.seconds).sum(),
            passes: records.iter().map(|record| passes(method, flags, record, per_class * CLASSES)).sum(),
        })
    }
}

impl Table {
    /// What the names of runs on these labels and images begin with.
    fn set(&self, noise: &Noise) -> String {
        match self.per_class * CLASSES {
            IMAGES => noise.name.to_owned(),
            images => format!("{}-{images}", noise.name),
        }
    }
}

fn lines<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>> {
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Best, last, AUC.
fn cells(runs: &[Found]) -> String {
    let of = |value: fn(&Found) -> f64| runs.iter().map(value).collect::<Vec<f64>>();
    let aucs: Option<Vec<f64>> = runs.iter().map(|run| run.auc).collect();
    format!(
        " {} | {} | {} |",
        percent(&of(|run| run.best)),
        percent(&of(|run| run.last)),
        aucs.map_or(String::new(), |aucs| format!("{:.3}", mean(&aucs))),
    )
}

/// Passes, seconds, and how long a pass is: on any noise the same, so two of them tell it.
fn timed_cells(runs: &[Found]) -> String {
    let of = |value: fn(&Found) -> f64| mean(&runs.iter().map(value).collect::<Vec<f64>>());
    let (seconds, passes) = (of(|run| run.seconds), of(|run| run.passes));
    format!(" {:.1} | {seconds:.1} | {:.1} |", passes / 1e6, 1e6 * seconds / passes)
}

fn percent(values: &[f64]) -> String {
    let (mean, count) = (mean(values), values.len() as f64);
    if values.len() < 2 {
        return format!("{:.1}", 100.0 * mean);
    }
    // Of a sample: by one less.
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    format!("{:.1} ± {:.1}", 100.0 * mean, 100.0 * (squares / (count - 1.0)).sqrt())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_means_and_the_deviation_of_a_sample() {
        let run = |last: f64| Found { best: 0.9, last, auc: Some(last / 2.0), seconds: 10.0, passes: 5e6 };
        assert_eq!(cells(&[run(0.8)]), " 90.0 | 80.0 | 0.400 |");
        let runs = [run(0.7), run(0.8), run(0.9)];
        assert_eq!(cells(&runs), " 90.0 ± 0.0 | 80.0 ± 10.0 | 0.400 |");
        assert_eq!(timed_cells(&runs), " 5.0 | 10.0 | 2.0 |");
    }
}
