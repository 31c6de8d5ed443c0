//! A model's outputs for images, a batch at a time and in their order; what can't be read has a place of its own.
//!
//! While a batch goes through the network, the next ones are decoded. Nothing is kept behind a batch, so that any number of
//! images takes as much memory as a few.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use candle_core::Tensor;
use dividemix::run::to_tensor;
use effnet_model::{Outputs, TestViews};
use image_folder::{RgbImage, Sample, Skipped, Transform, prefetch};
use rayon::prelude::*;

use crate::args::Tta;
use crate::exit::{Failure, Signals};
use crate::model::Predictor;
use crate::terminal::Counter;

/// Batches that are decoded ahead.
const AHEAD: usize = 2;

/// Pixels that go through the network at once where images keep their own sizes, at most: 64 of 512 x 512.
const PIXELS: usize = 64 * 512 * 512;

/// What a model says of a batch of images: a row each, NaN where an image can't be read.
pub(crate) struct Rows<'a> {
    /// Number of the first of all images, from 0.
    pub(crate) first: usize,
    pub(crate) samples: &'a [Sample],
    /// `[N, classes]`
    pub(crate) logits: Vec<f32>,
    /// `[N, features]`, of the images themselves whatever views the logits are averaged over.
    pub(crate) embeddings: Vec<f32>,
    /// The images as the network saw them, with its local features, where that was asked for.
    pub(crate) seen: Vec<Seen>,
    /// Which images can't be read, and why.
    pub(crate) skipped: Vec<Skipped>,
}

/// An image, and what a model's networks made of its places.
pub(crate) struct Seen {
    /// Its place in the batch.
    pub(crate) place: usize,
    pub(crate) image: RgbImage,
    /// `[1, h, w, F]` a network.
    pub(crate) local_features: Vec<Tensor>,
}

/// How images are looked at.
#[derive(Clone, Copy, Default)]
pub(crate) struct Looking {
    /// Views to average over.
    pub(crate) tta: Option<Tta>,
    /// Each image at its own size.
    pub(crate) no_resize: bool,
    /// Whether [`Rows::seen`] is wanted.
    pub(crate) keep_seen: bool,
}

/// Gives `take` the rows of all samples, batch by batch.
pub(crate) fn for_each_batch(
    predictor: &Predictor,
    samples: &Arc<[Sample]>,
    looking: Looking,
    signals: &Signals,
    mut take: impl FnMut(Rows<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let counter = Counter::new("images", samples.len());
    let firsts = (0..samples.len()).step_by(predictor.batch);
    let (of_all, transform, batch) = (Arc::clone(samples), predictor.transform.clone(), predictor.batch);
    let smallest = predictor.smallest;
    let decode = move |first: usize| -> Result<_, Failure> {
        let samples = &of_all[first..of_all.len().min(first + batch)];
        Ok((
            first,
            samples
                .par_iter()
                .map(|sample| Pictures::of(sample, &transform, smallest, looking))
                .collect::<Vec<_>>(),
        ))
    };
    for decoded in prefetch(firsts, AHEAD, decode) {
        if signals.stop().load(Ordering::Relaxed) {
            return Err(signals.failure());
        }
        let (first, pictures) = decoded?;
        let samples = &samples[first..first + pictures.len()];
        take(rows(predictor, (first, samples), pictures, looking)?)?;
        counter.add(samples.len());
    }
    Ok(())
}

/// A decoded image as the network will see it.
struct Pictures {
    plain: RgbImage,
    /// An eighth larger, to cut crops from.
    larger: Option<RgbImage>,
}

impl Pictures {
    fn of(sample: &Sample, transform: &Transform, smallest: usize, looking: Looking) -> Result<Self, String> {
        let image = sample.image()?;
        let (width, height) = image.dimensions();
        if looking.no_resize && (width.min(height) as usize) < smallest {
            return Err(format!(
                "{width} x {height} pixels; the network takes {smallest} and more (leave out --no-resize)"
            ));
        }
        let larger = (looking.tta == Some(Tta::Crops)).then(|| {
            let size = larger_size(transform);
            let resized = size.max(transform.resized);
            Transform { size, resized, ..transform.clone() }.fit(&image).into_owned()
        });
        let plain = if looking.no_resize { image.into_owned() } else { transform.fit(&image).into_owned() };
        Ok(Self { plain, larger })
    }
}

/// Side of the images that crops of a network's own size are cut from.
fn larger_size(transform: &Transform) -> usize {
    transform.size + transform.size.div_ceil(8)
}

fn rows<'a>(
    predictor: &Predictor,
    (first, samples): (usize, &'a [Sample]),
    pictures: Vec<Result<Pictures, String>>,
    looking: Looking,
) -> Result<Rows<'a>, Failure> {
    let (classes, features) = (predictor.classes(), predictor.model.feature_len());
    let mut rows = Rows {
        first,
        samples,
        logits: vec![f32::NAN; samples.len() * classes],
        embeddings: vec![f32::NAN; samples.len() * features],
        seen: Vec::new(),
        skipped: Vec::new(),
    };
    let mut readable = Vec::with_capacity(samples.len());
    for (place, (sample, pictures)) in samples.iter().zip(pictures).enumerate() {
        match pictures {
            Ok(pictures) => readable.push((place, pictures)),
            Err(reason) => rows.skipped.push(Skipped { path: sample.path.clone(), reason }),
        }
    }
    for alike in by_size(readable) {
        let Outputs { logits, embeddings, local_features } = outputs(predictor, &alike, looking.tta)?;
        let all = alike.iter().zip(logits.to_vec2::<f32>()?).zip(embeddings.to_vec2::<f32>()?);
        for (((place, _), logits), embedding) in all {
            rows.logits[place * classes..][..classes].copy_from_slice(&logits);
            rows.embeddings[place * features..][..features].copy_from_slice(&embedding);
        }
        if looking.keep_seen {
            for (number, (place, pictures)) in alike.into_iter().enumerate() {
                let of_one = local_features.iter().map(|all| all.narrow(0, number, 1));
                let local_features = of_one.collect::<Result<_, _>>()?;
                rows.seen.push(Seen { place, image: pictures.plain, local_features });
            }
        }
    }
    Ok(rows)
}

/// Images of one size together, by their order, and no more of them than go through the network at once.
fn by_size(readable: Vec<(usize, Pictures)>) -> Vec<Vec<(usize, Pictures)>> {
    let mut groups: Vec<Vec<(usize, Pictures)>> = Vec::new();
    for image in readable {
        let (width, height) = image.1.plain.dimensions();
        let most = (PIXELS / (width as usize * height as usize).max(1)).max(1);
        let alike = |group: &&mut Vec<(usize, Pictures)>| {
            group.len() < most
                && group.first().is_some_and(|other| other.1.plain.dimensions() == (width, height))
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(image),
            None => groups.push(vec![image]),
        }
    }
    groups
}

/// Of images of one size.
fn outputs(predictor: &Predictor, alike: &[(usize, Pictures)], tta: Option<Tta>) -> Result<Outputs, Failure> {
    let Predictor { model, transform, .. } = predictor;
    let plain: Vec<&RgbImage> = alike.iter().map(|(_, pictures)| &pictures.plain).collect();
    let images = to_tensor(transform.normalise(&plain)?)?;
    let outputs = model.outputs(&images)?;
    let logits = match tta {
        None => return Ok(outputs),
        // The mean over the views of `TestViews::Flip`, of which the first is done.
        Some(Tta::Flip) => ((&outputs.logits + model.logits(&images.flip(&[2])?)?)? * 0.5)?,
        Some(Tta::Crops) => {
            let larger: Vec<&RgbImage> =
                alike.iter().filter_map(|(_, pictures)| pictures.larger.as_ref()).collect();
            let views = TestViews::Crops { size: transform.size };
            model.logits_of_views(&to_tensor(transform.normalise(&larger)?)?, views)?
        }
    };
    Ok(Outputs { logits, ..outputs })
}
