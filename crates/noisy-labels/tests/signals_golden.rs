//! The signals from features against scikit-learn (`tests/golden/signals.json`, made by `xtask golden`).
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod common;

use common::{assert_close, numbers, u};
use noisy_labels::quality::signals::{LogisticSettings, Neighbours, OutOfFold, prototype_logits};
use noisy_labels::{ClassTable, Features};
use serde_json::Value;

const SAMPLES: usize = 70;
const WIDTH: usize = 6;
const CLASSES: usize = 4;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/signals.json")).unwrap()
}

/// The features and given labels of the reference script.
fn data() -> (Vec<f32>, Vec<usize>) {
    let mut values = u("signals-x", SAMPLES * WIDTH);
    (0..SAMPLES).for_each(|i| values[i * WIDTH + i % CLASSES] += 1.0);
    let given = (0..SAMPLES).map(|i| if i % 9 == 0 { (i + 1) % CLASSES } else { i % CLASSES });
    (values.into_iter().map(|value| value as f32).collect(), given.collect())
}

fn assert_table(what: &str, table: &ClassTable, tolerance: f64) {
    let values: Vec<f64> = table.values().iter().map(|value| f64::from(*value)).collect();
    assert_close(what, &values, &numbers(&golden()[what]), tolerance);
}

#[test]
fn linear_classifiers_are_scikit_learn_s() {
    let (values, given) = data();
    let first: Vec<f64> = values.iter().take(2 * WIDTH).map(|value| f64::from(*value)).collect();
    assert_close("first_features", &first, &numbers(&golden()["first_features"]), 1e-9);
    let features = Features::from_slice(&values, WIDTH).unwrap();
    let every = OutOfFold::new(&features, &given, CLASSES).unwrap();
    let folds: Vec<f64> = (0..SAMPLES).map(|sample| every.fold(sample) as f64).collect();
    assert_close("folds", &folds, &numbers(&golden()["folds"]), 0.0);
    let some = every.keeping(&(0..SAMPLES).map(|i| i % 6 != 0).collect::<Vec<_>>()).unwrap();
    let fit = |data: &OutOfFold<'_>, penalty| {
        let settings = LogisticSettings { penalty, tolerance: 1e-6, ..LogisticSettings::default() };
        data.logistic(&settings).unwrap().softmax()
    };
    assert_table("logistic_0.5", &fit(&every, 0.5), 1e-5);
    assert_table("logistic_4_kept", &fit(&some, 4.0), 1e-5);
    assert_table("discriminant_0.6", &every.discriminant(0.6).unwrap().softmax(), 1e-5);
    assert_table("discriminant_0.1_kept", &some.discriminant(0.1).unwrap().softmax(), 1e-5);
}

#[test]
fn neighbours_votes_and_prototypes_are_scikit_learn_s() {
    let (values, given) = data();
    let features = Features::from_slice(&values, WIDTH).unwrap();
    let found = Neighbours::within(&features, 7).unwrap();
    let all = || (0..SAMPLES).flat_map(|sample| found.of(sample));
    let samples: Vec<f64> = all().map(|neighbour| neighbour.sample as f64).collect();
    assert_close("neighbours", &samples, &numbers(&golden()["neighbours"]), 0.0);
    let similarity: Vec<f64> = all().map(|neighbour| f64::from(neighbour.similarity)).collect();
    assert_close("similarity", &similarity, &numbers(&golden()["similarity"]), 1e-6);
    assert_table("votes", &found.votes(&given, CLASSES, 0.05).unwrap(), 1e-5);
    assert_table("prototypes", &prototype_logits(&features, &given, CLASSES, 10.0).unwrap(), 1e-5);
}
