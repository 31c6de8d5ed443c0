//! How well each signal finds wrong labels: `cargo run --release --example signals -- LABELS.csv FEATURES.npy...`.
//!
//! LABELS.csv has a line for each row of the features, `path,clean,NOISE...`: the true label, and the labels of each kind of
//! noise. FEATURES.npy are f32 `[N, F]`, one file a network, as `effmix predict --embeddings` writes them. The result is a table
//! of AUC and average precision, beside cleanlab's three scores of the same logistic regression.

#![allow(clippy::print_stdout, reason = "its result")]

use std::error::Error;
use std::time::Instant;

use noisy_labels::metrics::{auc, average_precision};
use noisy_labels::quality::signals::{
    FeatureSignals, Signal, combined_quality, logit_margins, prototype_logits,
};
use noisy_labels::quality::{normalized_margin, self_confidence};
use noisy_labels::{ClassTable, Features};

/// The weights that were tried: of logistic regression, discriminant analysis, neighbours, prototypes, and the second logistic
/// regression.
const CANDIDATES: [[f64; 5]; 8] = [
    [1.0, 1.0, 1.0, 0.0, 1.0],
    [1.0, 1.0, 1.0, 1.0, 1.0],
    [1.0, 1.0, 0.0, 0.0, 1.0],
    [1.0, 1.0, 1.0, 0.0, 0.0],
    [1.0, 2.0, 1.0, 0.0, 1.0],
    [1.0, 2.0, 1.0, 0.0, 2.0],
    [0.0, 2.0, 1.0, 0.0, 2.0],
    [0.0, 3.0, 1.0, 0.0, 2.0],
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((labels, files)) = arguments.split_first() else {
        return Err("LABELS.csv FEATURES.npy...".into());
    };
    let tables = files.iter().map(|file| npy(file)).collect::<Result<Vec<_>, _>>()?;
    let bodies = tables
        .iter()
        .map(|(values, width)| Features::from_slice(values, *width))
        .collect::<Result<_, _>>()?;
    let features = Features::side_by_side(bodies)?;
    let text = std::fs::read_to_string(labels)?;
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().ok_or("the labels have no header")?;
    let rows: Vec<Vec<&str>> = lines.collect();
    let mut classes: Vec<&str> = rows.iter().map(|row| row[1]).collect();
    classes.sort_unstable();
    classes.dedup();
    let column = |column: usize| -> Vec<usize> {
        rows.iter().map(|row| classes.partition_point(|class| *class < row[column])).collect()
    };
    let truth = column(1);
    for (kind, name) in header.iter().enumerate().skip(2) {
        judge(name, &features, &column(kind), &truth, classes.len())?;
    }
    Ok(())
}

/// Prints the lines of one kind of noise.
fn judge(
    noise: &str,
    features: &Features<'_>,
    given: &[usize],
    truth: &[usize],
    classes: usize,
) -> Result<(), Box<dyn Error>> {
    let wrong: Vec<bool> = given.iter().zip(truth).map(|(given, truth)| given != truth).collect();
    let count = wrong.iter().filter(|wrong| **wrong).count();
    let line = |name: &str, quality: &[f64]| -> Result<(), Box<dyn Error>> {
        let bad: Vec<f64> = quality.iter().map(|quality| -quality).collect();
        let (area, precision) =
            auc(&bad, &wrong).zip(average_precision(&bad, &wrong)).ok_or("there are no wrong labels")?;
        println!("| {noise} | {count} | {name} | {area:.4} | {precision:.4} |");
        Ok(())
    };
    let start = Instant::now();
    let signals = FeatureSignals::of(features, given, classes)?;
    let seconds = start.elapsed().as_secs_f64();
    let probabilities = signals.first_logits.softmax();
    line("cleanlab: self-confidence", &self_confidence(&probabilities, given)?)?;
    line("cleanlab: normalised margin", &normalized_margin(&probabilities, given)?)?;
    line("cleanlab: confidence-weighted entropy", &weighted_entropy(&probabilities, given))?;
    let prototypes = logit_margins(&prototype_logits(features, given, classes, 1.0)?, given)?;
    let margins = [
        &signals.logistic,
        &signals.discriminant,
        &signals.neighbours,
        &prototypes,
        &signals.second_logistic,
    ];
    for (name, margins) in
        ["logistic", "discriminant", "neighbours", "prototypes", "second logistic"].iter().zip(margins)
    {
        line(name, margins)?;
    }
    for weights in CANDIDATES {
        let weighted = margins.iter().zip(weights).map(|(margins, weight)| Signal { margins, weight });
        line(&format!("{weights:?}"), &combined_quality(&weighted.collect::<Vec<_>>())?)?;
    }
    line("quality", &signals.quality()?)?;
    let right = signals.logits.argmax().iter().zip(truth).filter(|(found, truth)| found == truth).count();
    println!(
        "| {noise} | {count} | accuracy of the second, seconds | {:.4} | {seconds:.1} |",
        right as f64 / truth.len() as f64
    );
    Ok(())
}

/// cleanlab's third score, but for a function that rises with it.
fn weighted_entropy(probabilities: &ClassTable, given: &[usize]) -> Vec<f64> {
    let score = |(row, &label): (&[f32], &usize)| {
        let entropy: f64 = row.iter().map(|&p| f64::from(p)).filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum();
        -entropy / f64::from(row[label]).max(1e-6)
    };
    probabilities.rows().zip(given).map(score).collect()
}

/// The values of a `.npy` file of f32, and the length of its rows.
fn npy(file: &str) -> Result<(Vec<f32>, usize), Box<dyn Error>> {
    let bytes = std::fs::read(file)?;
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..start]).into_owned();
    let shape = header.split("'shape': (").nth(1).and_then(|rest| rest.split(')').next());
    let width = shape.and_then(|shape| shape.split(',').nth(1)).ok_or("no table of rows")?.trim().parse()?;
    if !header.contains("'<f4'") || !header.contains("'fortran_order': False") {
        return Err(format!("{file}: not f32 by rows").into());
    }
    Ok((
        bytes[start..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        width,
    ))
}
