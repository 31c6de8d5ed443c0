//! When a training ends before its last epoch.

use crate::{EpochRecord, Hyperparameters, Phase};

/// Whether the test accuracy has not risen for as many epochs as the settings have patience for. Epochs up to `from` don't count, but
/// their accuracies do.
pub(crate) fn out_of_patience(records: &[EpochRecord], from: usize, hyper: &Hyperparameters) -> bool {
    let Some(patience) = hyper.patience else { return false };
    if records.last().is_some_and(|last| last.epoch < from + patience.max(1)) {
        return false;
    }
    let first = records.iter().filter(|r| r.network == 1 && r.phase == Phase::Train);
    let accuracies: Vec<f64> = first.filter_map(|r| r.test_accuracy).collect();
    let Some(recent) = accuracies.len().checked_sub(patience).filter(|before| *before > 0) else {
        return false;
    };
    let best = |range: &[f64]| range.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    best(&accuracies[recent..]) <= best(&accuracies[..recent])
}
