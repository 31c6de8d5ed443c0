//! The mixture against scikit-learn's converged fits, and cleanlab's scores.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod common;

use common::{assert_close, golden, numbers, u};
use noisy_labels::ClassTable;
use noisy_labels::division::{Divider, SampleLosses};
use noisy_labels::metrics::auc;
use noisy_labels::mixture::{MixtureSettings, NormalisedLosses, fit};
use noisy_labels::noise::LabelNoise;
use noisy_labels::quality::{ConfidentJoint, find_label_issues, normalized_margin, self_confidence};
use serde_json::Value;

/// The losses of an entry, min-max normalised, and which of them are noisy.
fn losses(entry: &Value) -> (NormalisedLosses, Vec<bool>) {
    let number = |key: &str| entry[key].as_f64().unwrap();
    let (n, every) = (number("n") as usize, number("noisy_every") as usize);
    let name = format!("noisy-{}", entry["name"].as_str().unwrap());
    let noisy: Vec<bool> = (0..n).map(|i| i % every == 0).collect();
    let raw: Vec<f64> = u(&name, n)
        .iter()
        .zip(&noisy)
        .map(
            |(a, &noisy)| {
                if noisy { (number("centre") + number("width") * a).max(0.0) } else { 0.3 * a * a }
            },
        )
        .collect();
    let smallest = raw.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = raw.iter().copied().fold(0.0, f64::max);
    let losses: Vec<f64> = raw.iter().map(|v| (v - smallest) / (largest - smallest)).collect();
    assert_close("first losses", &losses[..8], &numbers(&entry["first_losses_normalised"]), 1e-9);
    (NormalisedLosses::from_normalised(losses).unwrap(), noisy)
}

#[test]
fn the_default_settings_reach_scikit_learn_s_converged_fit() {
    let doc = golden();
    let mixtures = doc["mixtures"].as_array().unwrap();
    assert_eq!(mixtures.len(), 4);
    for entry in mixtures {
        let name = entry["name"].as_str().unwrap();
        let (losses, noisy) = losses(entry);
        let reference = &entry["converged"];
        let mixture = fit(&losses, &MixtureSettings::default()).unwrap();
        assert!(mixture.converged, "{name}");
        assert_close(name, &mixture.means, &numbers(&reference["means"]), 1e-3);
        assert_close(name, &mixture.variances, &numbers(&reference["variances"]), 1e-3);
        assert_close(name, &mixture.weights, &numbers(&reference["weights"]), 1e-3);
        let clean: Vec<f64> = losses.as_slice().iter().map(|&loss| mixture.clean_probability(loss)).collect();
        assert_close(name, &clean[..20], &numbers(&reference["p_clean_first_20"]), 5e-3);
        let above = clean.iter().filter(|&&p| p > 0.5).count() as f64;
        let counted = reference["clean_count_above_0.5"].as_f64().unwrap();
        assert!(
            (above - counted).abs() <= 1e-3 * losses.len() as f64,
            "{name}: {above}, reference {counted}"
        );
        let is_clean: Vec<bool> = noisy.iter().map(|noisy| !noisy).collect();
        let area = auc(&clean, &is_clean).unwrap();
        assert!((area - reference["auc"].as_f64().unwrap()).abs() < 1e-4, "{name}: {area}");
    }
}

#[test]
fn a_tighter_tolerance_agrees_with_scikit_learn_to_six_digits() {
    for entry in golden()["mixtures"].as_array().unwrap() {
        let (losses, _) = losses(entry);
        let settings = MixtureSettings { max_iter: 2000, tol: 1e-12, ..MixtureSettings::default() };
        let mixture = fit(&losses, &settings).unwrap();
        let reference = &entry["converged"];
        let name = entry["name"].as_str().unwrap();
        assert_close(name, &mixture.means, &numbers(&reference["means"]), 1e-6);
        assert_close(name, &mixture.variances, &numbers(&reference["variances"]), 1e-6);
        assert_close(name, &mixture.weights, &numbers(&reference["weights"]), 1e-6);
        let clean: Vec<f64> =
            losses.as_slice()[..20].iter().map(|&loss| mixture.clean_probability(loss)).collect();
        assert_close(name, &clean, &numbers(&reference["p_clean_first_20"]), 1e-5);
    }
}

#[test]
fn the_published_settings_stop_early_and_keep_their_fit() {
    // Ten iterations from k-means are near scikit-learn's ten; its k-means starts elsewhere, so not equal.
    for entry in golden()["mixtures"].as_array().unwrap() {
        let (losses, _) = losses(entry);
        let mixture = fit(&losses, &MixtureSettings::as_published()).unwrap();
        let name = entry["name"].as_str().unwrap();
        assert_close(name, &mixture.means, &numbers(&entry["as_published"]["means"]), 5e-2);
    }
}

#[test]
fn a_division_of_f32_losses_is_that_of_their_mixture() {
    for entry in golden()["mixtures"].as_array().unwrap() {
        let (losses, _) = losses(entry);
        let scaled: Vec<f32> = losses.as_slice().iter().map(|&loss| (2.5 * loss + 0.25) as f32).collect();
        let labels = vec![0; scaled.len()];
        let division = Divider::default().divide(SampleLosses::Epoch(&scaled), &labels, 1).unwrap();
        assert_eq!(division.degenerate, None);
        let mixture = division.mixture.unwrap();
        assert_close("means", &mixture.means, &numbers(&entry["converged"]["means"]), 1e-3);
        assert_eq!(division.labeled.len() + division.unlabeled.len(), losses.len());
        assert!(division.labeled.iter().all(|&i| division.clean_probability[i] > 0.5));
        assert!(division.unlabeled.iter().all(|&i| division.clean_probability[i] <= 0.5));
    }
}

#[test]
fn cleanlab_s_scores() {
    let doc = golden();
    let (labels, p) = predictions();
    let (n, classes) = (p.len(), p.classes());
    let first: Vec<f64> = p.values()[..15].iter().map(|&p| f64::from(p)).collect();
    // f32 probabilities: half a unit in the last place of 1.
    assert_close("first rows", &first, &numbers(&doc["cleanlab"]["first_pred_probs"]), 6e-8);
    let confidence = self_confidence(&p, &labels).unwrap();
    let margin = normalized_margin(&p, &labels).unwrap();
    assert_close(
        "self confidence",
        &confidence[..20],
        &numbers(&doc["cleanlab"]["self_confidence_first_20"]),
        6e-8,
    );
    assert_close("margin", &margin[..20], &numbers(&doc["cleanlab"]["normalized_margin_first_20"]), 6e-8);
    let joint = ConfidentJoint::count(&p, &labels).unwrap();
    let counts: Vec<f64> = joint.counts().full_rows().flatten().map(|count| count as f64).collect();
    assert_close("confident joint", &counts, &numbers(&doc["cleanlab"]["confident_joint"]), 0.0);
    // cleanlab rounds the calibrated cells of each row to whole samples, so by less than one a cell.
    let expected = numbers(&doc["cleanlab"]["joint"]);
    let noise = LabelNoise::by_confident_joint(&joint);
    let by_given: Vec<f64> = noise.joint().transposed().full_rows().flatten().collect();
    assert_close("joint of given and true label", &by_given, &expected, 1.0 / n as f64);
    let issues = joint.noise_rate() * n as f64;
    let expected = doc["cleanlab"]["estimated_issues"].as_f64().unwrap();
    assert!((issues - expected).abs() < classes as f64, "{issues} against {expected}");
}

#[test]
fn cleanlab_s_issues() {
    let doc = golden();
    let (labels, p) = predictions();
    let issues = find_label_issues(&labels, &p).unwrap();
    let ranked: Vec<f64> = issues.iter().map(|issue| issue.sample as f64).collect();
    // By the calibrated joint, as cleanlab estimates it; its filter counts the samples off the diagonal, which are fewer.
    let estimated = doc["cleanlab"]["estimated_issues"].as_f64().unwrap();
    assert!(
        (issues.len() as f64 - estimated).abs() < p.classes() as f64,
        "{} against {estimated}",
        issues.len()
    );
    let expected = numbers(&doc["cleanlab"]["issues_by_margin"]);
    let both = issues.len().min(expected.len());
    assert_eq!(ranked[..both], expected[..both]);
}

/// The labels and the probabilities of the reference script.
fn predictions() -> (Vec<usize>, ClassTable) {
    let (n, classes) = (300, 5);
    let labels: Vec<usize> = (0..n).map(|i| (i * 7 + i / 13) % classes).collect();
    let mut p: Vec<f64> = u("noisy-cleanlab", n * classes).iter().map(|v| (3.0 * v).exp()).collect();
    for (i, row) in p.chunks_exact_mut(classes).enumerate() {
        row[labels[i]] *= if i % 4 == 0 { 0.3 } else { 8.0 };
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|v| *v /= sum);
    }
    (labels, ClassTable::new(p.iter().map(|&v| v as f32).collect(), classes).unwrap())
}
