//! A teacher's logits of the training images, computed once for all epochs.

use std::path::Path;
use std::sync::Arc;

use image_folder::Sample;

use super::inference::InferenceOptions;
use super::open::{Model, ModelOptions};
use crate::run::Observer;
use crate::{Error, Result};

/// Class names that an error lists.
const NAMED: usize = 10;

/// Logits `[N, classes]` of the plain views as the teacher gets them: at its own size and with its own preprocessing. Its classes may be
/// in another order, and more of them; they are matched by name.
///
/// # Errors
/// [`Error::Setting`] if the teacher doesn't know a class; [`Error::Data`] for a sample that can't be read; [`Error::Stopped`].
pub(crate) fn teacher_logits(
    teacher: &Path,
    samples: &[Sample],
    classes: &[String],
    observer: &dyn Observer,
) -> Result<Vec<f32>> {
    let model = Model::open_with(teacher, &ModelOptions::default(), &|_| ())?;
    let known = model.classes();
    let position = |class: &String| {
        known.iter().position(|other| other == class).ok_or_else(|| {
            let (teacher, some) = (teacher.display(), known[..known.len().min(NAMED)].join(", "));
            let problem = format!("{teacher} does not know the class {class:?}; it knows {some}");
            Error::setting("--teacher", problem)
        })
    };
    let positions = classes.iter().map(position).collect::<Result<Vec<usize>>>()?;
    let mut logits = Vec::with_capacity(samples.len() * classes.len());
    model.infer(&Arc::from(samples), InferenceOptions::default(), observer, |batch| -> Result<()> {
        if let Some(skipped) = batch.skipped.first() {
            return Err(Error::Data(format!("{}: {}", skipped.path, skipped.reason)));
        }
        for row in batch.logits.chunks(known.len()) {
            logits.extend(positions.iter().map(|&position| row[position]));
        }
        Ok(())
    })?;
    Ok(logits)
}
