//! `cargo xtask bench accuracy`: every method on every noise, and a table of how well they do.
//!
//! The decision: a result is a run folder, made by the program as a user makes it. What is there is not made again, so the table
//! can be interrupted, and one method more costs its own runs.

use super::RESULTS;
use super::machine::{Machine, today};
use super::real::Trainings;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// CIFAR-10 as images (train/CLASS, test/CLASS) [default: cifar10-jpeg.tar.xz of EFFMIX_DATA, unpacked in the build folder].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// One seed of each method, and 5 epochs: to see that it works.
    #[arg(long)]
    quick: bool,
    /// The papers' own setting instead: PreAct-ResNet-18, all images, 300 epochs. Weeks on a small machine.
    #[arg(long)]
    full: bool,
}

/// What labels are trained on.
struct Noise {
    name: &'static str,
    what: &'static str,
    /// Flags of `effmix noise` that make them; human labels are there.
    made_by: Option<&'static str>,
    /// Flags that read them.
    labels: &'static str,
    /// Whether methods with three seeds have them here.
    seeds: bool,
}

const NOISES: [Noise; 4] = [
    Noise {
        name: "sym50",
        what: "symmetric noise, rate 0.5",
        made_by: Some("--kind symmetric --rate 0.5"),
        labels: "--labels sym50.csv --truth-column true_label",
        seeds: true,
    },
    Noise {
        name: "random1",
        what: "one human annotator (CIFAR-10N's `random1`)",
        made_by: None,
        labels: "--labels cifar10n.csv --label-column random1 --truth-column clean",
        seeds: true,
    },
    Noise {
        name: "asym40",
        what: "asymmetric noise, rate 0.4",
        made_by: Some("--kind asymmetric --rate 0.4"),
        labels: "--labels asym40.csv --truth-column true_label",
        seeds: false,
    },
    Noise {
        name: "sym80",
        what: "symmetric noise, rate 0.8",
        made_by: Some("--kind symmetric --rate 0.8"),
        labels: "--labels sym80.csv --truth-column true_label",
        seeds: false,
    },
];

/// Images of a class, and of the test set: what `COMMON` and the data have.
const PER_CLASS: usize = 500;
const TEST: usize = 10_000;
const CLASSES: usize = 10;

/// Flags of all runs: the program's recipe for a pretrained, frozen body.
const COMMON: &str =
    "--per-class 500 --weights efficientnet-lite0.pth --arch efficientnet_lite0 --freeze body --epochs 25";

/// Methods, their flags, and the seeds of each. Those that build on nothing have no warm-up. The teacher is plain training's
/// network, so that it knows no more than others.
const METHODS: [(&str, &str, usize); 22] = [
    ("ce", "--warmup 0", 3),
    ("ce", "--warmup 0 --dropout 0.2", 3),
    ("dividemix", "", 3),
    ("joint", "", 3),
    ("reweight", "", 3),
    ("smooth", "--warmup 0", 1),
    ("penalty", "--warmup 0", 1),
    ("mixup", "--warmup 0", 1),
    ("distill", "--warmup 0 --teacher TEACHER", 1),
    ("relabel", "", 1),
    ("forward", "", 1),
    ("backward", "", 1),
    ("consistency", "", 1),
    ("entropy", "", 1),
    ("dividemix", "--ablate co-training", 1),
    ("dividemix", "--ablate refinement", 1),
    ("dividemix", "--ablate other-division", 1),
    ("dividemix", "--ablate mixmatch", 1),
    ("dividemix", "--division by-class", 1),
    ("dividemix", "--ema 0.99", 1),
    ("dividemix", "--mixup-alpha 0.5 --dropout 0.2", 1),
    ("dividemix", "--lambda-u 25", 1),
];

/// Of a run's `summary.json`.
#[derive(Deserialize)]
struct Summary {
    test_accuracy_best: f64,
    test_accuracy_last: f64,
    clean_auc: Option<f64>,
}

/// Of a line of a run's `metrics.jsonl`: one network in one epoch.
#[derive(Deserialize)]
struct Record {
    phase: String,
    loss_x: Option<f64>,
    loss_u: Option<f64>,
    clean_fraction: Option<f64>,
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
    let table = Table { trainings, quick: options.quick };
    let mut text = head();
    let mut good = true;
    for noise in &NOISES {
        if let Some(flags) = noise.made_by {
            table.trainings.noise(&format!("{}.csv", noise.name), flags)?;
        }
        // Writing to a text does not fail.
        let columns = if noise.seeds { TIMED_COLUMNS } else { COLUMNS };
        let _ = write!(text, "\n## {}\n\n{columns}", capitalised(noise.what));
        for (method, flags, seeds) in METHODS {
            let seeds = if noise.seeds && !table.quick { seeds } else { 1 };
            let runs = (1..=seeds).map(|seed| table.run(method, flags, noise, seed));
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
    let out = if table.quick {
        table.trainings.folder.join("accuracy.md")
    } else {
        workspace.root.join(RESULTS).join("accuracy.md")
    };
    std::fs::write(&out, text).with_context(|| out.display().to_string())?;
    println!("Written: {}", out.display());
    Ok(good)
}

const COLUMNS: &str = "| `--method` | best | last | AUC |\n|---|---|---|---|\n";
const TIMED_COLUMNS: &str =
    "| `--method` | best | last | AUC | passes | s | µs a pass |\n|---|---|---|---|---|---|---|\n";

fn head() -> String {
    let machine = Machine::here();
    format!(
        "# Methods and noises\n\nAccuracy in % on CIFAR-10's 10,000 test images, true labels: the best epoch's and the last one's, mean \
         ± deviation where there are three seeds; the AUC of the clean probability against the truth. The first {PER_CLASS} training \
         images a class, a head of 256 units on EfficientNet-Lite0's frozen features at 160 px, 25 epochs; a method's own numbers are \
         its defaults ([methods.md](../methods.md)). Passes are samples through a network, in millions, a backward pass counted as two \
         and evaluation of training and test images included; seconds are those of all epochs, without features and a teacher's look \
         at the images. The defaults' rate, dropout and mixing were chosen on other images, the rest on these \
         ([how](../benchmarks.md#the-defaults-for-a-frozen-backbone)). Measured on {}, {} ({} cores):\n\n```sh\ncargo xtask bench accuracy\n```\n",
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
}

impl Table {
    fn run(&self, method: &str, flags: &str, noise: &Noise, seed: usize) -> Result<Found> {
        let name = shown(method, flags).replace(" --", "-").replace([' ', '.'], "-");
        let teacher = format!("{}-ce-{seed}", noise.name);
        let quick = if self.quick { "--epochs 5 --warmup 1" } else { "" };
        let all = format!(
            "{COMMON} {} --method {method} {} {quick} --seed {seed}",
            noise.labels,
            flags.replace("TEACHER", &teacher)
        );
        let run = self.trainings.run(&format!("{}-{name}-{seed}", noise.name), &all)?;
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
            passes: records.iter().map(|record| passes(method, flags, record)).sum(),
        })
    }
}

fn lines<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>> {
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Passes of a network in an epoch, as docs/methods.md and Algorithm 1 count them: forward 1, backward 2.
fn passes(method: &str, flags: &str, record: &Record) -> f64 {
    let all = (PER_CLASS * CLASSES) as f64;
    let evaluated = all + TEST as f64;
    let trained = match (method, record.clean_fraction) {
        _ if record.loss_x.is_none() => 0.0,
        ("dividemix", Some(clean)) if record.phase == "train" => {
            let without = |part: &str| flags.contains(part); // of `--ablate`
            // Two views of the labeled samples, and of as many unlabeled ones where they are used.
            let views = 2.0 * clean * all;
            let refined = if without("refinement") || without("mixmatch") { 0.0 } else { views };
            let by_peer = if without("co-training") || without("mixmatch") { 0.0 } else { views };
            let of_unlabeled = if record.loss_u.is_some() { 3.0 * views + views + by_peer } else { 0.0 };
            3.0 * views + refined + of_unlabeled
        }
        // The teacher's.
        ("consistency", _) => 4.0 * all,
        _ => 3.0 * all,
    };
    evaluated + trained
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

    #[test]
    fn passes_are_counted_by_what_an_epoch_was() {
        let record = |phase: &str, loss_x, clean_fraction| Record {
            phase: phase.to_owned(),
            loss_x,
            loss_u: None,
            clean_fraction,
        };
        let (warm_up, labeled) = (record("warm_up", Some(1.0), None), record("train", Some(1.0), Some(0.5)));
        let divided = Record { loss_u: Some(1.0), ..record("train", Some(1.0), Some(0.5)) };
        // 15,000 are evaluated.
        assert_eq!(passes("ce", "", &warm_up), 30_000.0);
        assert_eq!(passes("dividemix", "", &warm_up), 30_000.0);
        // 2,500 labeled, as many unlabeled, two views of each: 10,000 forward and back, 5,000 refined, 10,000 guessed by two.
        assert_eq!(passes("dividemix", "", &divided), 60_000.0);
        assert_eq!(passes("dividemix", "--ablate co-training", &divided), 55_000.0);
        assert_eq!(passes("dividemix", "", &labeled), 35_000.0);
        assert_eq!(passes("dividemix", "--ablate refinement", &labeled), 30_000.0);
        assert_eq!(passes("reweight", "", &divided), 30_000.0);
        assert_eq!(passes("consistency", "", &warm_up), 35_000.0);
        assert_eq!(passes("consistency", "", &record("train", None, None)), 15_000.0);
    }

    #[test]
    fn the_teacher_is_trained_before_its_students() {
        let place = |method: &str| METHODS.iter().position(|(name, ..)| *name == method).unwrap();
        assert!(place("ce") < place("distill"));
    }
}
