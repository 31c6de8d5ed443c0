//! A network's outputs over a whole set.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{DType, Device};
use noisy_labels::{argmax, metrics};

use crate::{Error, Evaluator, Network, Result, ViewSource, prefetch};

/// Samples in a batch of evaluation. It has no influence on results but for rounding: every sample's logits are its own.
pub const EVALUATION_BATCH: usize = 128;

/// Logits of every sample's plain view in evaluation mode, row-major `[N, classes]`.
///
/// # Errors
/// When a sample can't be read or doesn't fit the network; [`Error::Stopped`] when `stop` was raised.
pub fn logits(network: &dyn Network, views: &Arc<dyn ViewSource>, stop: &AtomicBool) -> Result<Vec<f32>> {
    logits_by(&network.evaluator()?, views, stop)
}

/// [`logits`] of a network that is ready already.
pub(crate) fn logits_by(
    network: &Evaluator<'_>,
    views: &Arc<dyn ViewSource>,
    stop: &AtomicBool,
) -> Result<Vec<f32>> {
    let samples: Vec<usize> = (0..views.len()).collect();
    let batches: Vec<Vec<usize>> = samples.chunks(EVALUATION_BATCH).map(<[usize]>::to_vec).collect();
    let source = Arc::clone(views);
    let mut all = Vec::new();
    for batch in prefetch(batches, 2, move |batch: Vec<usize>| source.plain(&batch)) {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        let logits = network(&batch?)?;
        all.extend(logits.flatten_all()?.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.to_vec1::<f32>()?);
    }
    Ok(all)
}

/// Share of rows whose largest logit is at the label.
pub(crate) fn accuracy(logits: &[f32], labels: &[usize], classes: usize) -> f64 {
    let predicted: Vec<usize> = logits.chunks(classes).map(argmax).collect();
    metrics::accuracy(&predicted, labels).unwrap_or_default()
}
