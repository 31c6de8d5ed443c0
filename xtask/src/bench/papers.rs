//! `cargo xtask bench accuracy --full`: DivideMix and plain training in the papers' own setting, beside what they published.
//!
//! The network is the example's (`crates/dividemix/examples/papers.rs`): PreAct-ResNet-18, all 50,000 images, 300 epochs.

use super::RESULTS;
use super::contender::release;
use super::machine::{Machine, today};
use super::real::Trainings;
use crate::shell::Shell;
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A preset, how its labels are made, and what Li, Socher & Hoi (2020), tables 1 and 2, have for the best epoch: accuracies in % of
/// cross entropy and of DivideMix.
const SETTINGS: [(&str, &str, [f64; 2]); 5] = [
    ("cifar10-sym20", "--kind symmetric --rate 0.2", [86.8, 96.1]),
    ("cifar10-sym50", "--kind symmetric --rate 0.5", [79.4, 94.6]),
    ("cifar10-sym80", "--kind symmetric --rate 0.8", [62.9, 93.2]),
    ("cifar10-sym90", "--kind symmetric --rate 0.9", [42.7, 76.0]),
    ("cifar10-asym40", "--kind asymmetric --rate 0.4", [85.0, 93.4]),
];

/// In the order of the published accuracies.
const METHODS: [&str; 2] = ["ce", "dividemix"];

/// Of the example's `summary.json`.
#[derive(Deserialize)]
struct Summary {
    test_accuracy_best: f64,
    test_accuracy_last: f64,
    /// Of the clean probability; named `clean_auc` in results from before it had a name of its own.
    #[serde(alias = "clean_auc")]
    division_auc: Option<f64>,
}

/// True where every run came to its end; `quick` takes 4 images a class and 2 epochs, to see that it works.
pub(super) fn run(data: Option<&Path>, quick: bool) -> Result<bool> {
    let workspace = Workspace::read()?;
    let built = Shell::new(&workspace.root, "cargo")
        .words("build --release --locked --package dividemix --example papers")
        .succeeds()?;
    ensure!(built, "the example could not be built");
    let example = release(&workspace.target).join("examples/papers");
    let trainings = Trainings::prepare(&workspace, if quick { "papers-quick" } else { "papers" }, data)?;
    let machine = Machine::here();
    let mut text = format!(
        "# The papers' own setting\n\nAccuracy in % on CIFAR-10's 10,000 test images, best epoch / last one; published, of the best epoch: Li, \
         Socher & Hoi (2020), tables 1 and 2. PreAct-ResNet-18, the presets' numbers, seed 1. Measured on {}, {}:\n\n```sh\ncargo xtask bench accuracy \
         --full\n```\n\n| setting | `--method` | best / last | published | AUC of p_clean |\n|---|---|---|---|---|\n",
        today(),
        machine.processor
    );
    for (preset, noise, published) in SETTINGS {
        let csv = format!("{preset}.csv");
        trainings.noise(&csv, noise)?;
        for (method, published) in METHODS.into_iter().zip(published) {
            let out = PathBuf::from(format!("{preset}-{method}"));
            let small = if quick { "4 2" } else { "" };
            let run =
                Shell::new(&trainings.folder, &example).words("data").arg(&csv).words(preset).words(method);
            let summary = trainings.folder.join(&out).join("summary.json");
            if !summary.is_file() {
                ensure!(run.arg(&out).words(small).succeeds()?, "{} failed", out.display());
            }
            let found = std::fs::read_to_string(&summary).with_context(|| summary.display().to_string())?;
            let found: Summary =
                serde_json::from_str(&found).with_context(|| summary.display().to_string())?;
            let row = format!(
                "| {preset} | `{method}` | {:.1} / {:.1} | {published:.1} | {} |",
                100.0 * found.test_accuracy_best,
                100.0 * found.test_accuracy_last,
                found.division_auc.map_or(String::new(), |auc| format!("{auc:.3}"))
            );
            println!("{row}");
            text += &row;
            text.push('\n');
        }
    }
    let out = match quick {
        true => trainings.folder.join("accuracy-full.md"),
        false => workspace.root.join(RESULTS).join("accuracy-full.md"),
    };
    std::fs::write(&out, text).with_context(|| out.display().to_string())?;
    println!("Written: {}", out.display());
    Ok(true)
}
