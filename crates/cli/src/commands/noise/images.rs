//! What noise by the image needs of the images: their pixels, or a network's probabilities.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use dividemix::memory::memory_left;
use effmix::{DecodedBatch, InferenceOptions, Model, ModelOptions, decode_batches, human_bytes};
use image_folder::{Channels, Fit, Interpolation, Sample, Skipped, Transform};
use noisy_labels::softmax;

use crate::args::Noise;
use crate::failure::Failure;
use crate::output::tell;
use crate::signals::Signals;
use crate::terminal::Counter;

/// The images that can be read, with a row of values each, and those that can't.
pub(super) struct ImageValues {
    pub(super) samples: Vec<Sample>,
    /// `[samples, width]`
    pub(super) values: Vec<f32>,
    pub(super) skipped: Vec<Skipped>,
}

impl ImageValues {
    /// Of images that nothing needs to be known of: whether one can be read makes no difference.
    pub(super) fn none(samples: Vec<Sample>) -> Self {
        Self { samples, values: Vec::new(), skipped: Vec::new() }
    }

    /// None yet, with room for the values of so many images.
    fn with_room(images: usize, width: usize) -> Result<Self, Failure> {
        if let Some(left) = memory_left() {
            enough(images, width, left)?;
        }
        Ok(Self { values: Vec::with_capacity(images * width), ..Self::none(Vec::new()) })
    }
}

/// Checks that the values fit into the memory that is left.
fn enough(images: usize, width: usize, left: u64) -> Result<(), Failure> {
    let needed = (images * width * size_of::<f32>()) as u64;
    if needed <= left {
        return Ok(());
    }
    Err(Failure::Other(format!(
        "this kind of noise needs {width} numbers of each of the {images} images, which are {} of memory, and {} are left; take \
         --kind symmetric, pair or asymmetric, which need none, or a folder of fewer images",
        human_bytes(needed),
        human_bytes(left)
    )))
}

/// The transform of the published noise: the pixels of CIFAR's images, `[32, 32, 3]` of mean 0 and deviation 1 by CIFAR-10's
/// (references: DivideMix's `dataloader_cifar.py`). So an image's brightness alone does not decide.
fn small() -> Transform {
    Transform {
        size: 32,
        fit: Fit::Crop,
        resized: 32,
        channels: Channels::Rgb,
        mean: [0.4914, 0.4822, 0.4465],
        std: [0.2023, 0.1994, 0.2010],
        interpolation: Interpolation::Bilinear,
        flip: false,
        crop_padding: 0,
    }
}

/// Images in a batch.
const BATCH: usize = 64;

/// The pixels of each image, made small: 12 KiB an image.
pub(super) fn pixels(samples: &Arc<[Sample]>) -> Result<ImageValues, Failure> {
    let (transform, signals) = (small(), Signals::listen()?);
    let counter = Counter::new(samples.len(), &signals);
    let mut found = ImageValues::with_room(samples.len(), 3 * transform.size * transform.size)?;
    let fit = transform.clone();
    let decode = move |sample: &Sample| sample.image().map(|image| fit.fit(&image).into_owned());
    for batch in decode_batches(samples, BATCH, decode) {
        if signals.stop().load(Ordering::Relaxed) {
            return Err(signals.failure());
        }
        let DecodedBatch { first, images } = batch?;
        for (sample, image) in samples[first..].iter().zip(images) {
            match image {
                Ok(image) => {
                    found.values.extend(transform.normalise(&[&image])?.pixels);
                    found.samples.push(sample.clone());
                }
                Err(reason) => found.skipped.push(Skipped { path: sample.path.clone(), reason }),
            }
            counter.add_one();
        }
    }
    Ok(found)
}

/// The probabilities that the network gives each of the set's classes, among these.
pub(super) fn probabilities(
    args: &Noise,
    samples: &Arc<[Sample]>,
    classes: &[String],
) -> Result<ImageValues, Failure> {
    let (arch, size) = (args.arch.clone(), args.size.map(usize::from));
    let options = ModelOptions { arch, size, ..ModelOptions::default() };
    let model = Model::open_with(&args.model.clone().unwrap_or_default(), &options, &tell)?;
    let positions = model.positions_of(classes)?;
    let signals = Signals::listen()?;
    let counter = Counter::new(samples.len(), &signals);
    let mut found = ImageValues::with_room(samples.len(), classes.len())?;
    let predicted = model.infer(samples, InferenceOptions::default(), &counter, |batch| {
        let is_skipped = |sample: &Sample| batch.skipped.iter().any(|skipped| skipped.path == sample.path);
        for (sample, logits) in batch.samples.iter().zip(batch.logits.chunks_exact(model.classes().len())) {
            if is_skipped(sample) {
                continue;
            }
            let own: Vec<f32> = positions.iter().map(|&position| logits[position]).collect();
            let probabilities = softmax(&own);
            if !probabilities.iter().all(|p| p.is_finite()) {
                let problem = "the network's outputs are no numbers: its weights are broken";
                return Err(Failure::Other(format!("{}: {problem}", sample.path)));
            }
            found.values.extend(probabilities);
            found.samples.push(sample.clone());
        }
        found.skipped.extend(batch.skipped);
        Ok(())
    });
    predicted.map_err(|failure| signals.failure_of(failure))?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_do_not_fit_into_memory_are_refused_with_the_kinds_that_need_none() {
        assert!(enough(1_000_000, 10_000, 40_000_000_000).is_ok());
        let refused = enough(1_000_000, 10_000, 8_000_000_000).unwrap_err().to_string();
        assert!(
            refused.contains("40") && refused.contains("8.0 GB") && refused.contains("--kind symmetric"),
            "{refused}"
        );
    }
}
