//! Images decoded batch by batch, ahead of the network that they are for.

use std::sync::Arc;

use dividemix::{Prefetch, prefetch};
use image_folder::Sample;
use rayon::prelude::*;

use crate::{Error, Result};

/// Batches that are decoded ahead of their use.
const AHEAD: usize = 2;

/// A batch of decoded images.
#[derive(Debug)]
pub struct DecodedBatch<T> {
    /// Position of its first image in all samples, from 0.
    pub first: usize,
    /// What became of each image, or why it can't be read.
    pub images: Vec<Result<T, String>>,
}

/// Decodes `samples` in batches of `batch` images, in their order, on all threads and at most two batches ahead. `decode` makes an
/// image of a sample, or says why it can't be read. Nothing is kept after its batch, so any number of images takes the memory of a few.
pub fn decode_batches<T: Send + 'static>(
    samples: &Arc<[Sample]>,
    batch: usize,
    decode: impl Fn(&Sample) -> Result<T, String> + Send + Sync + 'static,
) -> Prefetch<DecodedBatch<T>, Error> {
    let (samples, batch) = (Arc::clone(samples), batch.max(1));
    prefetch((0..samples.len()).step_by(batch), AHEAD, move |first| {
        let samples = &samples[first..samples.len().min(first + batch)];
        Ok(DecodedBatch { first, images: samples.par_iter().map(&decode).collect() })
    })
}
