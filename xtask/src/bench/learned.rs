//! `cargo xtask bench learned-first`: do networks fit right labels first, then asymmetric noise, then symmetric noise?
//!
//! Two plain trainings from random weights, of which each image's loss is kept after each epoch; the mean over those images whose
//! label is right, or wrong in either way, is drawn.

use super::RESULTS;
use super::contender::release;
use super::real::Trainings;
use crate::shell::Shell;
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// CIFAR-10 as images (train/CLASS, test/CLASS) [default: cifar10-jpeg.tar.xz of EFFMIX_DATA, unpacked in the build folder].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Training images a class.
    #[arg(long, value_name = "N", default_value_t = 500)]
    per_class: usize,
    /// Epochs.
    #[arg(long, value_name = "N", default_value_t = 30)]
    epochs: usize,
}

/// Both noises make about a fifth of all labels wrong: of the asymmetric one, half of the classes have none.
const NOISES: [(&str, &str); 2] =
    [("asymmetric", "--kind asymmetric --rate 0.4"), ("symmetric", "--kind symmetric-other --rate 0.2")];

/// True where it was drawn.
pub(super) fn run(options: &Options) -> Result<bool> {
    let Options { data, per_class, epochs } = options;
    let workspace = Workspace::read()?;
    let trainings = Trainings::prepare(&workspace, "learned-first", data.as_deref())?;
    let mut curves = Vec::new();
    let mut right = Vec::new();
    for (noise, flags) in NOISES {
        let csv = format!("{noise}.csv");
        trainings.noise(&csv, flags)?;
        let name = format!("{noise}-{per_class}-{epochs}");
        let flags = format!(
            "--per-class {per_class} --labels {csv} --truth-column true_label --method ce --warmup 0 --epochs {epochs} \
             --seed 1 --trajectories"
        );
        let run = trainings.run(&name, &flags)?;
        let [of_right, of_wrong] = mean_losses(&run, &trainings.folder.join(&csv))?;
        println!("{noise}: right {of_right:.2?}, wrong {of_wrong:.2?}");
        right.push(of_right);
        curves.push(json!({ "name": format!("wrong, {noise}"), "points": points(&of_wrong) }));
    }
    let both: Vec<f64> = right[0].iter().zip(&right[1]).map(|(a, b)| (a + b) / 2.0).collect();
    let panel = json!([{
        "title": "what a network learns first",
        "x": "epoch",
        "y": "mean loss of the given label",
        "reference": { "name": "right labels", "points": points(&both) },
        "curves": curves,
    }]);
    let out = workspace.root.join(RESULTS).join("learned-first.svg");
    let program = Shell::new(&workspace.root, release(&workspace.target).join("effmix-bench"));
    program.words("draw").arg(&out).arg(panel.to_string()).reads()?;
    println!("Written: {}", out.display());
    Ok(true)
}

/// Epochs are counted from 1.
fn points(losses: &[f64]) -> Vec<(f64, f64)> {
    losses.iter().enumerate().map(|(epoch, loss)| (epoch as f64 + 1.0, *loss)).collect()
}

/// The mean loss after each epoch of the images with a right label, and of those with a wrong one.
fn mean_losses(run: &Path, labels: &Path) -> Result<[Vec<f64>; 2]> {
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| path.display().to_string());
    let labels = read(labels)?;
    let is_right: BTreeMap<&str, bool> = labels
        .lines()
        .skip(1)
        .filter_map(|line| match line.split(',').collect::<Vec<_>>()[..] {
            [path, label, truth] => Some((path, label == truth)),
            _ => None,
        })
        .collect();
    // The table's rows but for the held-out images, by path.
    let issues = read(&run.join("label_issues.csv"))?;
    let mut paths: Vec<&str> = issues
        .lines()
        .skip(1)
        .filter(|line| !line.ends_with(",test"))
        .filter_map(|line| line.split(',').nth(1))
        .collect();
    paths.sort_unstable();
    let path = run.join("loss_trajectories.npy");
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let head =
        bytes.get(8..10).map_or(0, |length| 10 + usize::from(u16::from_le_bytes([length[0], length[1]])));
    let values: Vec<f64> =
        bytes.get(head..).unwrap_or_default().chunks_exact(2).map(|b| half([b[0], b[1]])).collect();
    ensure!(
        !paths.is_empty() && values.len().is_multiple_of(paths.len()),
        "{} is for other images",
        path.display()
    );
    let of = |wanted: bool| -> Result<Vec<f64>> {
        values
            .chunks_exact(paths.len())
            .map(|epoch| {
                let chosen =
                    epoch.iter().zip(&paths).filter(|(_, path)| is_right.get(*path) == Some(&wanted));
                let (sum, count) = chosen.fold((0.0, 0usize), |(sum, n), (loss, _)| (sum + loss, n + 1));
                ensure!(count > 0, "no image of {} has such a label", run.display());
                Ok(sum / count as f64)
            })
            .collect()
    };
    Ok([of(true)?, of(false)?])
}

/// A number of half precision (IEEE 754 binary16), little-endian.
fn half(bytes: [u8; 2]) -> f64 {
    let bits = u16::from_le_bytes(bytes);
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    let size = match exponent {
        0 => fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_read() {
        for (bits, value) in [
            (0x3C00u16, 1.0),
            (0xC000, -2.0),
            (0x7BFF, 65504.0),
            (0x0001, 2f64.powi(-24)),
            (0x3555, 0.333_251_953_125),
            (0, 0.0),
        ] {
            assert_eq!(half(bits.to_le_bytes()), value, "{bits:x}");
        }
        assert!(half(0x7E00u16.to_le_bytes()).is_nan() && half(0x7C00u16.to_le_bytes()).is_infinite());
    }
}
