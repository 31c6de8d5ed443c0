//! A model's outputs for images, a batch at a time and in their order. An image that can't be read has a row of NaN.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use candle_core::Tensor;
use effnet_model::{Outputs, TestViews};
use image_folder::{RgbImage, Sample, Skipped, Transform};

use super::open::Model;
use super::own_size::{self, OwnSizes};
use crate::data::{DecodedBatch, decode_batches};
use crate::device::Attempt;
use crate::run::{Observer, Progress};
use crate::{Error, Result};

/// Pixels that go through the network at once where images keep their own sizes, at most: 64 of 512 x 512.
const PIXELS: usize = 64 * 512 * 512;

/// A model's outputs for a batch of images: a row each, NaN where an image can't be read.
pub struct OutputBatch<'a> {
    /// Position of the first image in all samples, from 0.
    pub first: usize,
    /// The images.
    pub samples: &'a [Sample],
    /// Logits `[N, classes]`.
    pub logits: Vec<f32>,
    /// Embeddings `[N, embedding_len]`, of the images themselves whatever views the logits are averaged over.
    pub embeddings: Vec<f32>,
    /// The images as the network got them, with its local features, where [`InferenceOptions::keep_images`] asks for them.
    pub(crate) images: Vec<EncodedImage>,
    /// The images that can't be read, with the reason.
    pub skipped: Vec<Skipped>,
}

/// An image, and the networks' features of its places.
pub(crate) struct EncodedImage {
    /// Its position in the batch.
    pub(crate) position: usize,
    pub(crate) image: RgbImage,
    /// `[1, h, w, F]` a network.
    pub(crate) local_features: Vec<Tensor>,
}

/// Views of an image whose logits are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AveragedViews {
    /// The image and its mirror image.
    Flip,
    /// The corners and the middle of an image that is an eighth larger.
    Crops,
}

/// How a model is applied to images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InferenceOptions {
    /// Views whose logits are averaged; the image alone where it is `None`.
    pub views: Option<AveragedViews>,
    /// Whether each image keeps its own size.
    pub no_resize: bool,
    /// Whether the images and their local features are kept for class activation maps.
    pub keep_images: bool,
}

impl Model {
    /// Puts `samples` through the model, and gives `take` each batch of outputs, in order.
    ///
    /// # Errors
    /// [`Error::Stopped`] when the observer's flag was raised; whatever `take` returns.
    pub fn infer<E: From<Error>>(
        &self,
        samples: &Arc<[Sample]>,
        options: InferenceOptions,
        observer: &dyn Observer,
        mut take: impl FnMut(OutputBatch<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.saved.card.features.is_some() {
            let problem = "the model takes features of one's own, not images; give them with: effmix predict MODEL --features F.npy";
            return Err(Error::Data(problem.to_owned()).into());
        }
        let own_sizes = options.no_resize.then(|| OwnSizes::of(self)).transpose()?;
        let batch = if options.no_resize { self.batch.min(own_size::BATCH) } else { self.batch };
        let (transform, views) = (self.transform.clone(), options.views);
        let decode = move |sample: &Sample| Pictures::of(sample, &transform, own_sizes.as_ref(), views);
        for batch in decode_batches(samples, batch, decode) {
            if observer.stop().load(Ordering::Relaxed) {
                return Err(Error::Stopped.into());
            }
            let DecodedBatch { first, images } = batch?;
            let done = first + images.len();
            let outputs = self.outputs_of(first, &samples[first..done], images, options);
            let attempt = Attempt { batch: Some(self.batch.min(samples.len())), ..Attempt::default() };
            take(outputs.map_err(|error| self.device.explained(error, &attempt))?)?;
            observer.observe(Progress::Predicted { done, total: samples.len() });
        }
        Ok(())
    }

    fn outputs_of<'a>(
        &self,
        first: usize,
        samples: &'a [Sample],
        pictures: Vec<Result<Pictures, String>>,
        options: InferenceOptions,
    ) -> Result<OutputBatch<'a>> {
        let (classes, features) = (self.classes().len(), self.embedding_len());
        let mut batch = OutputBatch {
            first,
            samples,
            logits: vec![f32::NAN; samples.len() * classes],
            embeddings: vec![f32::NAN; samples.len() * features],
            images: Vec::new(),
            skipped: Vec::new(),
        };
        let mut readable = Vec::with_capacity(samples.len());
        for (position, (sample, pictures)) in samples.iter().zip(pictures).enumerate() {
            match pictures {
                Ok(pictures) => readable.push((position, pictures)),
                Err(reason) => batch.skipped.push(Skipped { path: sample.path.clone(), reason }),
            }
        }
        for group in by_size(readable) {
            let Outputs { logits, embeddings, local_features } =
                self.outputs_of_group(&group, options.views)?;
            let rows = group.iter().zip(logits.to_vec2::<f32>()?).zip(embeddings.to_vec2::<f32>()?);
            for (((position, _), logits), embedding) in rows {
                batch.logits[position * classes..][..classes].copy_from_slice(&logits);
                batch.embeddings[position * features..][..features].copy_from_slice(&embedding);
            }
            if options.keep_images {
                for (number, (position, pictures)) in group.into_iter().enumerate() {
                    let of_one = local_features.iter().map(|all| all.narrow(0, number, 1));
                    let local_features = of_one.collect::<candle_core::Result<_>>()?;
                    batch.images.push(EncodedImage { position, image: pictures.plain, local_features });
                }
            }
        }
        Ok(batch)
    }

    /// Outputs for images of one size.
    fn outputs_of_group(&self, group: &[(usize, Pictures)], views: Option<AveragedViews>) -> Result<Outputs> {
        let (model, transform, to_tensor) = (&self.saved, &self.transform, &self.to_tensor);
        let plain: Vec<&RgbImage> = group.iter().map(|(_, pictures)| &pictures.plain).collect();
        let images = to_tensor.of_images(&plain)?;
        let outputs = model.outputs(&images)?;
        let logits = match views {
            None => return Ok(outputs),
            // The mean over the views of `TestViews::Flip`, of which the first is done.
            Some(AveragedViews::Flip) => ((&outputs.logits + model.logits(&images.flip(&[2])?)?)? * 0.5)?,
            Some(AveragedViews::Crops) => {
                let larger: Vec<&RgbImage> =
                    group.iter().filter_map(|(_, pictures)| pictures.larger.as_ref()).collect();
                let views = TestViews::Crops { size: transform.size };
                model.logits_of_views(&to_tensor.of_images(&larger)?, views)?
            }
        };
        Ok(Outputs { logits, ..outputs })
    }
}

/// A decoded image as the network will get it.
struct Pictures {
    plain: RgbImage,
    /// An eighth larger, to cut crops from.
    larger: Option<RgbImage>,
}

impl Pictures {
    fn of(
        sample: &Sample,
        transform: &Transform,
        own_sizes: Option<&OwnSizes>,
        views: Option<AveragedViews>,
    ) -> Result<Self, String> {
        let image = transform.image_of(sample)?;
        let (width, height) = transform.dimensions(&image);
        own_sizes.map_or(Ok(()), |sizes| sizes.check(width, height))?;
        let larger = (views == Some(AveragedViews::Crops)).then(|| {
            let size = larger_size(transform);
            let resized = size.max(transform.resized);
            Transform { size, resized, ..transform.clone() }.fit(&image).into_owned()
        });
        let plain = if own_sizes.is_some() { image.into_owned() } else { transform.fit(&image).into_owned() };
        Ok(Self { plain, larger })
    }
}

/// Side of the images that crops of a network's own size are cut from.
fn larger_size(transform: &Transform) -> usize {
    transform.size + transform.size.div_ceil(8)
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
