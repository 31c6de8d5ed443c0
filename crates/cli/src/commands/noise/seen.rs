//! What noise by the image needs of the images.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use image_folder::{Interpolation, Sample, Skipped, Transform};
use rayon::prelude::*;

use crate::args::{Model, Noise};
use crate::exit::{Failure, Signals};
use crate::model::Predictor;
use crate::outputs::{Looking, for_each_batch};
use crate::terminal::Counter;

/// Images that were seen, a row of numbers each, and those that can't be read.
pub(super) struct Seen {
    pub(super) samples: Vec<Sample>,
    /// `[samples, width]`
    pub(super) numbers: Vec<f32>,
    pub(super) skipped: Vec<Skipped>,
}

/// What the published noise looks at: the pixels of CIFAR's images, `[32, 32, 3]` of mean 0 and deviation 1 by CIFAR-10's
/// (references: DivideMix's `dataloader_cifar.py`). So an image's brightness alone does not decide.
fn small() -> Transform {
    Transform {
        size: 32,
        resized: 32,
        mean: [0.4914, 0.4822, 0.4465],
        std: [0.2023, 0.1994, 0.2010],
        interpolation: Interpolation::Bilinear,
        flip: false,
        crop_padding: 0,
    }
}

/// Images decoded at once, between two looks at whether to stop.
const CHUNK: usize = 1024;

/// The pixels of each image, made small: 12 KiB an image.
pub(super) fn pixels(samples: &[Sample]) -> Result<Seen, Failure> {
    let (transform, signals) = (small(), Signals::listen()?);
    let counter = Counter::new("images", samples.len());
    let mut seen = Seen { samples: Vec::new(), numbers: Vec::new(), skipped: Vec::new() };
    for chunk in samples.chunks(CHUNK) {
        if signals.stop().load(Ordering::Relaxed) {
            return Err(signals.failure());
        }
        let decode = |sample: &Sample| sample.image().map(|image| transform.fit(&image).into_owned());
        let images: Vec<_> = chunk.par_iter().map(decode).collect();
        for (sample, image) in chunk.iter().zip(images) {
            match image {
                Ok(image) => {
                    seen.numbers.extend(transform.normalise(&[&image])?.pixels);
                    seen.samples.push(sample.clone());
                }
                Err(reason) => seen.skipped.push(Skipped { path: sample.path.clone(), reason }),
            }
        }
        counter.add(chunk.len());
    }
    Ok(seen)
}

/// The probabilities that the network gives each of the set's classes, among these.
pub(super) fn probabilities(
    args: &Noise,
    samples: Arc<[Sample]>,
    classes: &[String],
) -> Result<Seen, Failure> {
    let model = Model {
        model: args.model.clone().unwrap_or_default(),
        arch: args.arch.clone(),
        size: args.size,
        batch: 64,
        threads: args.threads,
    };
    let predictor = Predictor::open(&model)?;
    let places = predictor.places_of(classes)?;
    let signals = Signals::listen()?;
    let mut seen = Seen { samples: Vec::new(), numbers: Vec::new(), skipped: Vec::new() };
    for_each_batch(&predictor, &samples, Looking::default(), &signals, |rows| {
        let is_skipped = |sample: &Sample| rows.skipped.iter().any(|skipped| skipped.path == sample.path);
        for (sample, logits) in rows.samples.iter().zip(rows.logits.chunks_exact(predictor.classes())) {
            if is_skipped(sample) {
                continue;
            }
            let own: Vec<f32> = places.iter().map(|&place| logits[place]).collect();
            let probabilities = noisy_labels::softmax(&own);
            if !probabilities.iter().all(|p| p.is_finite()) {
                let problem = "the network's outputs are no numbers: its weights are broken";
                return Err(Failure::Other(format!("{}: {problem}", sample.path)));
            }
            seen.numbers.extend(probabilities);
            seen.samples.push(sample.clone());
        }
        seen.skipped.extend(rows.skipped);
        Ok(())
    })?;
    Ok(seen)
}
