//! What a teacher says of the training images, once and for all epochs.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use effnet_model::SavedModel;
use image_folder::{RgbImage, Sample, prefetch};
use rayon::prelude::*;

use super::hub::locate;
use super::pixels::{to_tensor, transform_for};
use super::settings::Augment;
use crate::{Error, Result};

/// Images in a batch.
const BATCH: usize = 64;

/// Logits `[N, classes]` of the plain views, as the teacher sees them: at its own size and with its own preprocessing. Its classes
/// may be in another order, and more; they are told by name.
///
/// # Errors
/// [`Error::Setting`] if the teacher does not know a class; a sample that can't be read; [`Error::Stopped`].
pub(super) fn teacher_logits(
    teacher: &Path,
    samples: &[Sample],
    classes: &[String],
    stop: &AtomicBool,
) -> Result<Vec<f32>> {
    let path = locate(teacher, None, &|_| ())?;
    let model = if path.is_dir() { SavedModel::open(&path)? } else { SavedModel::from_file(&path, None)? };
    let known = &model.card.classes;
    let place = |class: &String| {
        known.iter().position(|other| other == class).ok_or_else(|| {
            let problem = format!(
                "{} does not know the class {class:?}; it knows {}",
                teacher.display(),
                known.iter().take(10).cloned().collect::<Vec<_>>().join(", ")
            );
            Error::Setting { name: "--teacher", problem }
        })
    };
    let places = classes.iter().map(place).collect::<Result<Vec<usize>>>()?;
    let transform = transform_for(&model.card.arch, Augment::None);
    let batches: Vec<Vec<Sample>> = samples.chunks(BATCH).map(<[Sample]>::to_vec).collect();
    let decode = move |batch: Vec<Sample>| -> Result<_> {
        let fitted = |sample: &Sample| -> Result<RgbImage> {
            let image = sample.image().map_err(|reason| Error::Data(format!("{}: {reason}", sample.path)))?;
            Ok(transform.fit(&image).into_owned())
        };
        let images = batch.par_iter().map(fitted).collect::<Result<Vec<_>>>()?;
        to_tensor(transform.normalise(&images.iter().collect::<Vec<_>>())?)
    };
    let mut logits = Vec::with_capacity(samples.len() * classes.len());
    for images in prefetch(batches, 2, decode) {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        for row in model.logits(&images?)?.to_vec2::<f32>()? {
            logits.extend(places.iter().map(|&place| row[place]));
        }
    }
    Ok(logits)
}
