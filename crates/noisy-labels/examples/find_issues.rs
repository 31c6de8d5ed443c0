//! From features to wrong labels, without a network: `cargo run --example find_issues`.
//!
//! Each sample gets class probabilities from a classifier that has not seen its label, and `find_label_issues` compares them with the
//! labels. With features of a pretrained network in the place of these made-up ones, it finds wrong labels among images.

#![allow(clippy::print_stdout, reason = "its result")]

use noisy_labels::evidence::{Contradictions, NoiseRange, out_of_fold_scores};
use noisy_labels::quality::ConfidentJoint;
use noisy_labels::{ClassTable, Features, find_label_issues, metrics, noise};
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;

const SAMPLES: usize = 1000;
const CLASSES: usize = 4;
const FEATURES: usize = 8;

/// How much surer a softmax makes the scores of ridge regression, which are estimates of 0 and 1.
const SHARPNESS: f32 = 8.0;

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let truth: Vec<usize> = (0..SAMPLES).map(|sample| sample % CLASSES).collect();
    // Normal numbers, and one more feature a class in which its samples stand out.
    let mut features: Vec<f32> = (0..SAMPLES * FEATURES).map(|_| rng.sample(StandardNormal)).collect();
    truth.iter().enumerate().for_each(|(sample, class)| features[sample * FEATURES + class] += 4.0);
    let given = noise::symmetric(&truth, CLASSES, 0.2, false, &mut rng)?;

    let features = Features::from_slice(&features, FEATURES)?;
    let scores = out_of_fold_scores(&features, &given, CLASSES)?.ok_or("all features are alike")?;
    let sharper = scores.values().iter().map(|score| SHARPNESS * score).collect();
    let probabilities = ClassTable::new(sharper, CLASSES)?.softmax();

    let issues = find_label_issues(&given, &probabilities)?;
    let mut flagged = vec![false; SAMPLES];
    issues.iter().for_each(|issue| flagged[issue.sample] = true);
    let wrong: Vec<bool> = given.iter().zip(&truth).map(|(given, truth)| given != truth).collect();
    let found = metrics::precision_recall_f1(&flagged, &wrong).ok_or("there are no labels")?;
    println!("of {SAMPLES} labels {} look wrong; the worst:", issues.len());
    for issue in issues.iter().take(5) {
        println!(
            "  sample {:3}: {} -> {} (quality {:.3})",
            issue.sample, issue.given, issue.suggested, issue.quality
        );
    }
    println!(
        "right {:.3} of the time, and {:.3} of the wrong labels",
        found.precision.unwrap_or(0.0),
        found.recall.unwrap_or(0.0)
    );

    let confident = ConfidentJoint::count(&probabilities, &given)?.noise_rate();
    match NoiseRange::out_of_sample(&Contradictions::count(&scores, &given)?, confident) {
        Ok(range) => println!("{:.3} to {:.3} of the labels are wrong", range.low, range.high),
        Err(reason) => println!("how many are wrong can't be told: {reason:?}"),
    }
    if found.f1.is_none_or(|f1| f1 < 0.9) {
        return Err("these labels are found more often than that".into());
    }
    Ok(())
}
