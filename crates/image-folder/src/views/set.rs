//! The readable images of a set, and batches of their views.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use rayon::prelude::*;

use super::cache::Cache;
use super::reader::{Reader, read};
use super::{disk, gather};
use crate::batch::{Batch, ByteBatch, ViewOf};
use crate::transform::{Normaliser, Recipe};
use crate::{Error, Policy, Result, Sample, Skipped, Transform, fingerprint};

/// The number of values that are made in microseconds: a thread makes several smaller views before it asks for work again.
const SMALL: usize = 64 * 1024;

/// The readable images of a set, from which batches of views are made.
#[derive(Debug)]
pub struct Views {
    samples: Vec<Sample>,
    transform: Transform,
    normaliser: Normaliser,
    store: Store,
}

#[derive(Debug)]
enum Store {
    Ram(Vec<u8>),
    Disk(disk::CacheFile),
    /// The fingerprints of the images, which are not kept.
    Streamed(Vec<u128>),
}

impl Views {
    /// The views of the readable samples, and the samples that can't be read with the reason, in the order of `samples`. All images are
    /// read once, in parallel (on rayon's pool), with any cache.
    ///
    /// `progress` is called, on any thread, with the number of images done and the number of all images. When `stop` becomes true,
    /// the call ends soon.
    ///
    /// # Errors
    /// [`Error::Transform`] where the transform's settings contradict each other; [`Error::Memory`] or [`Error::Io`] where memory or
    /// disk do not suffice; [`Error::Stopped`] where `stop` was raised.
    pub fn build(
        samples: Vec<Sample>,
        transform: Transform,
        cache: Cache,
        progress: &(dyn Fn(usize, usize) + Sync),
        stop: &AtomicBool,
    ) -> Result<(Self, Vec<Skipped>)> {
        transform.check()?;
        let reader =
            Reader { transform: &transform, progress, stop, done: AtomicUsize::new(0), all: samples.len() };
        let (store, reasons) = match cache {
            Cache::Ram => {
                let (pixels, reasons) = gather::into_memory(&samples, &reader)?;
                (Store::Ram(pixels), reasons)
            }
            Cache::Disk(folder) => {
                let (file, reasons) = disk::CacheFile::open_or_build(&folder, &samples, &reader)?;
                (Store::Disk(file), reasons)
            }
            Cache::None => {
                let (fingerprints, reasons) = gather::fingerprints(&samples, &reader)?;
                (Store::Streamed(fingerprints), reasons)
            }
        };
        let mut kept = Vec::with_capacity(samples.len());
        let mut skipped = Vec::new();
        for (sample, reason) in samples.into_iter().zip(reasons) {
            match reason {
                None => kept.push(sample),
                Some(reason) => skipped.push(Skipped { path: sample.path, reason }),
            }
        }
        let normaliser = Normaliser::new(&transform);
        Ok((Self { samples: kept, transform, normaliser, store }, skipped))
    }

    /// The readable samples; the indices of a batch are indices into them.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The number of readable samples.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether no sample could be read.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// A number for each image that is the same wherever all pixels of the fitted images are, and else differs.
    ///
    /// # Errors
    /// [`Error::Io`] where the cache can't be read.
    pub fn fingerprints(&self) -> Result<Vec<u128>> {
        let of_bytes = |index| Ok(fingerprint(&self.image(index)?));
        match &self.store {
            Store::Streamed(fingerprints) => Ok(fingerprints.clone()),
            Store::Ram(_) | Store::Disk(_) => (0..self.len()).into_par_iter().map(of_bytes).collect(),
        }
    }

    /// The transform that makes the views.
    pub fn transform(&self) -> &Transform {
        &self.transform
    }

    /// The plain views of these samples, `[N, size, size, C]`.
    ///
    /// # Errors
    /// [`Error::NoSample`] for an index out of range; with [`Cache::None`], [`Error::Image`] for a file that can't be read any more.
    pub fn plain(&self, samples: &[usize]) -> Result<Batch> {
        self.batch(samples, |index| (*index, self.transform.straight()))
    }

    /// Augmented views `[N, size, size, C]`, each of a sample and with a seed. The view depends on nothing else: the same sample and seed
    /// give the same numbers.
    ///
    /// # Errors
    /// As [`plain`](Self::plain).
    pub fn augmented(&self, views: &[(usize, u64)]) -> Result<Batch> {
        self.batch(views, |(index, seed)| (*index, self.transform.augmentation(*seed)))
    }

    /// Strong views `[N, size, size, C]`, each of a sample and with a seed: an augmented view, changed further by two operations of the
    /// policy. The view depends on nothing else.
    ///
    /// # Errors
    /// As [`plain`](Self::plain).
    pub fn strong(&self, policy: Policy, views: &[(usize, u64)]) -> Result<Batch> {
        self.batch(views, |(index, seed)| (*index, self.transform.strong_augmentation(policy, *seed)))
    }

    /// Views as bytes `[N, size, size, C]`, each of a sample. Normalised ([`Transform::scale_and_bias`]) they are the views that
    /// the other methods give.
    ///
    /// # Errors
    /// As [`plain`](Self::plain).
    pub fn bytes(&self, views: &[(usize, ViewOf)]) -> Result<ByteBatch> {
        let (size, view_length) = (self.transform.size, self.transform.view_length());
        let mut pixels = vec![0; views.len() * view_length];
        pixels
            .par_chunks_exact_mut(view_length)
            .zip(views)
            .with_min_len((SMALL / view_length).clamp(1, 4))
            .try_for_each(|(bytes, (index, view))| {
            self.transform.write_bytes(&self.image(*index)?, self.transform.recipe(*view), bytes);
            Ok(())
        })?;
        Ok(ByteBatch { pixels, shape: [views.len(), size, size, self.transform.channels.count()] })
    }

    fn batch<V: Sync>(&self, views: &[V], recipe: impl Fn(&V) -> (usize, Recipe) + Sync) -> Result<Batch> {
        let (size, view_length) = (self.transform.size, self.transform.view_length());
        let length = views.len() * view_length;
        // The numbers are not zeroed first, which would take a tenth of the time for large views, on one thread.
        let mut pixels = Vec::with_capacity(length);
        pixels.spare_capacity_mut()[..length]
            .par_chunks_exact_mut(view_length)
            .zip(views)
            .with_min_len((SMALL / view_length).clamp(1, 4))
            .try_for_each(|(numbers, view)| {
                let (index, recipe) = recipe(view);
                let image = self.image(index)?;
                self.transform.write_view(&image, recipe, &self.normaliser, numbers);
                Ok(())
            })?;
        // SAFETY: there was no error, so `write_view` has written each of the chunks, and they are all of the length.
        unsafe { pixels.set_len(length) };
        Ok(Batch { pixels, shape: [views.len(), size, size, self.transform.channels.count()] })
    }

    /// The fitted image of a sample, 3 bytes a pixel, or 6 with opacity.
    fn image(&self, index: usize) -> Result<Cow<'_, [u8]>> {
        let sample = self.samples.get(index).ok_or(Error::NoSample { index, len: self.samples.len() })?;
        let length = self.transform.image_length();
        match &self.store {
            Store::Ram(pixels) => Ok(Cow::Borrowed(&pixels[index * length..][..length])),
            Store::Disk(file) => file.image(index, length).map(Cow::Owned),
            Store::Streamed(_) => read(sample, &self.transform)
                .map(|image| Cow::Owned(image.into_owned().into_raw()))
                .map_err(|reason| Error::Image { path: sample.path.clone(), reason }),
        }
    }
}
