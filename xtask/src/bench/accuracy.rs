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

/// What labels are trained on: its name, what it is, and the flags that read it.
const NOISES: [(&str, &str, &str); 2] = [
    ("sym50", "symmetric, rate 0.5", "--labels sym50.csv --truth-column true_label"),
    (
        "random1",
        "one annotator (CIFAR-10N)",
        "--labels cifar10n.csv --label-column random1 --truth-column clean",
    ),
];

/// Flags of all runs: the program's recipe for a pretrained, frozen body.
const COMMON: &str =
    "--per-class 500 --weights efficientnet-lite0.pth --arch efficientnet_lite0 --freeze body --epochs 25";

/// Methods, their flags, and the seeds of each. Those that build on nothing have no warm-up. The teacher is plain training's
/// network, so that it knows no more than others.
const METHODS: [(&str, &str, usize); 15] = [
    ("ce", "--warmup 0", 3),
    ("dividemix", "", 3),
    ("smooth", "--warmup 0", 1),
    ("penalty", "--warmup 0", 1),
    ("mixup", "--warmup 0", 1),
    ("distill", "--warmup 0 --teacher TEACHER", 1),
    ("relabel", "", 1),
    ("reweight", "", 1),
    ("forward", "", 1),
    ("consistency", "", 1),
    ("entropy", "", 1),
    ("dividemix", "--ablate co-training", 1),
    ("dividemix", "--ablate refinement", 1),
    ("dividemix", "--ablate other-division", 1),
    ("dividemix", "--ablate mixmatch", 1),
];

/// Of a run's `summary.json`.
#[derive(Deserialize)]
struct Summary {
    test_accuracy_best: f64,
    test_accuracy_last: f64,
    clean_auc: Option<f64>,
    seconds: f64,
}

/// True where every run came to its end.
pub(super) fn run(options: &Options) -> Result<bool> {
    if options.full {
        return super::papers::run(options.data.as_deref(), options.quick);
    }
    let workspace = Workspace::read()?;
    let folder = if options.quick { "accuracy-quick" } else { "accuracy" };
    let trainings = Trainings::prepare(&workspace, folder, options.data.as_deref())?;
    trainings.noise("sym50.csv", "--kind symmetric --rate 0.5")?;
    let table = Table { trainings, quick: options.quick };

    let mut text = table.head();
    let mut good = true;
    for (method, flags, seeds) in METHODS {
        let name = if flags.contains("--ablate") { format!("{method} {flags}") } else { method.to_owned() };
        let mut row = format!("| `{name}` |");
        for (noise, _, labels) in NOISES {
            let seeds = if table.quick { 1 } else { seeds };
            let runs = (1..=seeds).map(|seed| table.run(method, flags, (noise, labels), seed));
            match runs.collect::<Result<Vec<Summary>>>() {
                Ok(runs) => row += &cells(&runs),
                Err(error) => {
                    eprintln!("{method} on {noise}: {error:#}");
                    good = false;
                    row += " failed | | | |";
                }
            }
        }
        text += &row;
        text.push('\n');
        println!("{row}");
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

struct Table {
    trainings: Trainings,
    quick: bool,
}

impl Table {
    fn run(&self, method: &str, flags: &str, (noise, labels): (&str, &str), seed: usize) -> Result<Summary> {
        let variant = flags.split_whitespace().skip_while(|flag| *flag != "--ablate").nth(1);
        let variant = variant.map_or(String::new(), |part| format!("-without-{part}"));
        let flags = flags.replace("TEACHER", &format!("{noise}-ce-{seed}"));
        let quick = if self.quick { "--epochs 5 --warmup 1" } else { "" };
        let flags = format!("{COMMON} {labels} --method {method} {flags} {quick} --seed {seed}");
        let run = self.trainings.run(&format!("{noise}-{method}{variant}-{seed}"), &flags)?;
        let summary = run.join("summary.json");
        let text = std::fs::read_to_string(&summary).with_context(|| summary.display().to_string())?;
        serde_json::from_str(&text).with_context(|| summary.display().to_string())
    }

    fn head(&self) -> String {
        let machine = Machine::here();
        let mut text = format!(
            "# Methods and noises\n\nAccuracy in % on CIFAR-10's 10,000 test images, true labels: the best epoch's and the last one's, mean \
             ± deviation where there are three seeds; the AUC of the clean probability against the truth; seconds of a run. The first 500 \
             training images a class, a head of 256 units on EfficientNet-Lite0's frozen features at 112 px, 25 epochs; a method's own \
             numbers are its defaults ([methods.md](../methods.md)). Measured on {}, {} ({} cores):\n\n```sh\ncargo xtask bench accuracy\n```\n\n",
            today(),
            machine.processor,
            machine.cores
        );
        let mut rule = "|---|".to_owned();
        text += "| `--method` |";
        for (_, what, _) in NOISES {
            // Writing to a text does not fail.
            let _ = write!(text, " {what}: best | last | AUC | s |");
            rule += "---|---|---|---|";
        }
        text + "\n" + &rule + "\n"
    }
}

/// Best, last, AUC, seconds.
fn cells(runs: &[Summary]) -> String {
    let of = |value: fn(&Summary) -> f64| runs.iter().map(value).collect::<Vec<f64>>();
    let aucs: Option<Vec<f64>> = runs.iter().map(|run| run.clean_auc).collect();
    format!(
        " {} | {} | {} | {:.0} |",
        percent(&of(|run| run.test_accuracy_best)),
        percent(&of(|run| run.test_accuracy_last)),
        aucs.map_or(String::new(), |aucs| format!("{:.3}", mean(&aucs))),
        mean(&of(|run| run.seconds))
    )
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
        let run = |last: f64| Summary {
            test_accuracy_best: 0.9,
            test_accuracy_last: last,
            clean_auc: Some(last / 2.0),
            seconds: 10.0,
        };
        assert_eq!(cells(&[run(0.8)]), " 90.0 | 80.0 | 0.400 | 10 |");
        assert_eq!(cells(&[run(0.7), run(0.8), run(0.9)]), " 90.0 ± 0.0 | 80.0 ± 10.0 | 0.400 | 10 |");
    }

    #[test]
    fn the_teacher_is_trained_before_its_students() {
        let place = |method: &str| METHODS.iter().position(|(name, ..)| *name == method).unwrap();
        assert!(place("ce") < place("distill"));
    }
}
