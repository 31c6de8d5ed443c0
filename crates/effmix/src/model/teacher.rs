//! A teacher's logits of the training images, computed once for all epochs.

use std::path::Path;
use std::sync::Arc;

use image_folder::Sample;

use super::inference::InferenceOptions;
use super::open::{Model, ModelOptions};
use crate::device::ComputeDevice;
use crate::run::Observer;
use crate::{Error, Result};

/// The teacher, and the positions of `classes` among its own.
///
/// # Errors
/// There is no such model; [`Error::Setting`] if it doesn't know a class.
pub(crate) fn teacher_of(
    teacher: &Path,
    classes: &[String],
    device: &ComputeDevice,
) -> Result<(Model, Vec<usize>)> {
    let options = ModelOptions { device: device.clone(), ..ModelOptions::default() };
    let model = Model::open_with(teacher, &options, &|_| ())?;
    let positions = model.positions_of(classes).map_err(|error| {
        let problem = format!("{}: {error}", teacher.display());
        Error::setting("--teacher", problem)
    })?;
    Ok((model, positions))
}

/// Logits `[N, classes]` of the plain views as the teacher gets them: at its own size and with its own preprocessing. Its classes may be
/// in another order, and more of them; they are matched as [`Model::positions_of`] does.
///
/// # Errors
/// As [`teacher_of`]; [`Error::Data`] for a sample that can't be read; [`Error::Stopped`].
pub(crate) fn teacher_logits(
    teacher: &Path,
    samples: &[Sample],
    classes: &[String],
    device: &ComputeDevice,
    observer: &dyn Observer,
) -> Result<Vec<f32>> {
    let (model, positions) = teacher_of(teacher, classes, device)?;
    let mut logits = Vec::with_capacity(samples.len() * classes.len());
    model.infer(&Arc::from(samples), InferenceOptions::default(), observer, |batch| -> Result<()> {
        if let Some(skipped) = batch.skipped.first() {
            return Err(Error::Data(format!("{}: {}", skipped.path, skipped.reason)));
        }
        for row in batch.logits.chunks(model.classes().len()) {
            logits.extend(positions.iter().map(|&position| row[position]));
        }
        Ok(())
    })?;
    Ok(logits)
}
