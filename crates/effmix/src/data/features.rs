//! A frozen backbone's work: the global features of a few views of every image, computed once, kept in a file, and
//! given to the loop as if they were images.
//!
//! The file is one safetensors tensor `features` `[N, V, F]`, named by a hash of all that it depends on, so it needs
//! no invalidation; it is memory-mapped, so a set may be larger than memory.

use std::collections::HashSet;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::UNIX_EPOCH;

use candle_core::{Device, Tensor};
use dividemix::{View, ViewSource};
use effnet_model::{EfficientNet, Rescale, join_features};
use image::imageops::flip_horizontal_in_place;
use image_folder::{Pixels, RgbImage, Sample, Skipped, Transform, fingerprint};
use rayon::prelude::*;
use serde_json::json;

use super::decode::{DecodedBatch, decode_batches};
use super::pixels::ToTensor;
use super::table::Table;
use crate::files::write_atomic;
use crate::run::{Observer, Progress};
use crate::{Error, Result};

/// Images in a batch through the backbone.
pub(crate) const BATCH: usize = 64;

/// What a set's features depend on beside its images.
pub(crate) struct Encoder<'a> {
    /// The device that the network is on.
    pub(crate) device: &'a Device,
    /// The pretrained network, of which the classifier is not used.
    pub(crate) network: &'a EfficientNet,
    /// From images as they are prepared to those that the network takes, where these are others.
    pub(crate) rescale: Option<&'a Rescale>,
    /// Hash of the weights' content, of the architecture, and of how images are prepared.
    pub(crate) key: blake3::Hash,
}

/// Which views of a set's images are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EncodedViews {
    /// As it is: to measure on, and to train on where nothing is augmented.
    Plain,
    /// As it is, and mirrored.
    PlainAndFlipped,
}

impl EncodedViews {
    pub(crate) fn views(self) -> usize {
        match self {
            Self::Plain => 1,
            Self::PlainAndFlipped => 2,
        }
    }
}

/// Features of a set's images, memory-mapped; of several bodies side by side ([`join_features`]).
pub(crate) struct Features {
    bodies: Vec<Table>,
    samples: usize,
    views: usize,
    /// The device that batches are for.
    device: Device,
}

impl Features {
    /// The features of `samples` by each of the bodies, from the cache, or computed and put there. What can't be read is left out of the
    /// samples that come back, and listed.
    pub(crate) fn of(
        samples: Vec<Sample>,
        bodies: &[Encoder<'_>],
        encoded: EncodedViews,
        cache: &Path,
        transform: &Transform,
        observer: &dyn Observer,
    ) -> Result<(Self, Vec<Sample>, Vec<Skipped>)> {
        let all = Arc::from(samples.as_slice());
        let (mut of_bodies, mut skipped) = (Vec::with_capacity(bodies.len()), Vec::new());
        for (number, body) in bodies.iter().enumerate() {
            let file = cache_file(&samples, body, encoded, cache)?;
            let progress = BodyProgress {
                before: number * samples.len(),
                total: bodies.len() * samples.len(),
                observer,
            };
            let (features, unreadable) = match Table::open(&file, samples.len()) {
                Some(cached) => {
                    progress.done(samples.len());
                    cached
                }
                None => {
                    compute(&file, &all, transform, body, encoded, &progress)?;
                    let changed = "changed while it was written; try again";
                    Table::open(&file, samples.len()).ok_or_else(|| damaged(&file, changed))?
                }
            };
            if number > 0 && unreadable != skipped {
                return Err(damaged(
                    &file,
                    "images have changed while their features were computed; try again",
                ));
            }
            of_bodies.push(features);
            skipped = unreadable;
        }
        let unreadable: HashSet<&str> = skipped.iter().map(|s| s.path.as_str()).collect();
        let kept: Vec<Sample> =
            samples.into_iter().filter(|s| !unreadable.contains(s.path.as_str())).collect();
        let device = bodies.first().map_or(Device::Cpu, |body| body.device.clone());
        let features = Self { bodies: of_bodies, samples: kept.len(), views: encoded.views(), device };
        Ok((features, kept, skipped))
    }

    /// Features of one's own.
    pub(crate) fn of_table(table: Table, device: &Device) -> Self {
        let samples = table.order.as_ref().map_or(table.rows, Vec::len);
        Self { samples, views: table.views, bodies: vec![table], device: device.clone() }
    }

    /// Length of a feature.
    pub(crate) fn width(&self) -> usize {
        self.bodies.iter().map(|body| body.length).sum()
    }

    /// Writes the feature of a sample's plain view into `out`.
    pub(crate) fn copy_plain(&self, sample: usize, out: &mut [f32]) {
        self.copy(sample, 0, out);
    }

    /// A number for each sample that is the same where the features of the plain views are, as they are of the same pixels.
    pub(crate) fn fingerprints(&self) -> Vec<u128> {
        let Some(body) = self.bodies.first() else { return Vec::new() };
        (0..self.samples).into_par_iter().map(|sample| fingerprint(body.bytes(sample, 0))).collect()
    }

    /// Writes the feature of a sample's view into `out`.
    fn copy(&self, sample: usize, view: usize, out: &mut [f32]) {
        match &self.bodies[..] {
            [body] => {
                out.iter_mut().zip(body.row(sample, view)).for_each(|(value, feature)| *value = feature)
            }
            several => {
                let of_bodies: Vec<Vec<f32>> =
                    several.iter().map(|body| body.row(sample, view).collect()).collect();
                join_features(&of_bodies.iter().map(Vec::as_slice).collect::<Vec<_>>(), out);
            }
        }
    }

    /// The chosen view of each sample, `[B, F]`.
    fn rows(&self, views: impl ExactSizeIterator<Item = (usize, usize)>) -> Result<Tensor> {
        let (count, width) = (views.len(), self.width());
        let mut values = vec![0.0; count * width];
        for ((sample, view), out) in views.zip(values.chunks_exact_mut(width.max(1))) {
            if sample >= self.samples {
                return Err(Error::Data(format!("sample {sample} of {} was asked for", self.samples)));
            }
            self.copy(sample, view, out);
        }
        Ok(Tensor::from_vec(values, (count, width), &self.device)?)
    }
}

fn damaged(file: &Path, problem: &str) -> Error {
    Error::Format { path: file.to_owned(), problem: problem.to_owned() }
}

/// Progress of one body among several.
struct BodyProgress<'a> {
    /// Images that other bodies have seen before.
    before: usize,
    /// Images of all bodies together.
    total: usize,
    observer: &'a dyn Observer,
}

impl BodyProgress<'_> {
    fn done(&self, images: usize) {
        self.observer.observe(Progress::Features { done: self.before + images, total: self.total });
    }
}

impl ViewSource for Features {
    fn len(&self) -> usize {
        self.samples
    }

    fn plain(&self, samples: &[usize]) -> dividemix::Result<Tensor> {
        Ok(self.rows(samples.iter().map(|&sample| (sample, 0)))?)
    }

    /// A view by chance among those that were computed.
    fn augmented(&self, views: &[View]) -> dividemix::Result<Tensor> {
        Ok(self.rows(views.iter().map(|view| (view.sample, (view.seed % self.views as u64) as usize)))?)
    }
}

/// Computes the features of all views and writes the file. An image is decoded once, and forgotten after its batch.
fn compute(
    file: &Path,
    samples: &Arc<[Sample]>,
    transform: &Transform,
    body: &Encoder<'_>,
    encoded: EncodedViews,
    progress: &BodyProgress<'_>,
) -> Result<()> {
    let failed = || Error::io("can't write", file);
    let network = body.network.evaluator()?;
    let to_tensor = ToTensor::new(transform, body.device)?;
    let encode = |images: &[RgbImage]| -> Result<Vec<Vec<f32>>> {
        let images = to_tensor.of_images(&images.iter().collect::<Vec<_>>())?;
        let images = body.rescale.map_or(Ok(images.clone()), |rescale| rescale.of(&images))?;
        Ok(network.features(&images)?.to_vec2()?)
    };
    // The header, which comes first, holds how many images can be read, which is known last.
    let rows = tempfile::tempfile_in(replace_file::folder_of(file)).map_err(failed())?;
    let mut out = BufWriter::new(rows);
    let mut skipped = Vec::new();
    let fit = transform.clone();
    let decode = move |sample: &Sample| fit.image_of(sample).map(|image| fit.fit(&image).into_owned());
    for batch in decode_batches(samples, BATCH, decode) {
        if progress.observer.stop().load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        let DecodedBatch { first, images } = batch?;
        let done = first + images.len();
        let mut readable = Vec::with_capacity(images.len());
        for (sample, image) in samples[first..].iter().zip(images) {
            match image {
                Ok(image) => readable.push(image),
                Err(reason) => skipped.push(Skipped { path: sample.path.clone(), reason }),
            }
        }
        if !readable.is_empty() {
            let mut of_views = vec![encode(&readable)?];
            if encoded == EncodedViews::PlainAndFlipped {
                readable.iter_mut().for_each(flip_horizontal_in_place);
                of_views.push(encode(&readable)?);
            }
            let values = (0..readable.len()).flat_map(|row| of_views.iter().flat_map(move |view| &view[row]));
            values.into_iter().try_for_each(|v| out.write_all(&v.to_le_bytes())).map_err(failed())?;
        }
        progress.done(done);
    }
    let mut rows = out.into_inner().map_err(io::IntoInnerError::into_error).map_err(failed())?;
    rows.rewind().map_err(failed())?;
    let shape = [samples.len() - skipped.len(), encoded.views(), network.feature_len()];
    let header = header(shape, &skipped);
    write_atomic(file, |out| {
        out.write_all(&header)?;
        io::copy(&mut rows, out).map(|_| ())
    })
}

/// The safetensors header (length, JSON, padded to 8 bytes) of one tensor that is then streamed.
fn header(shape: [usize; 3], skipped: &[Skipped]) -> Vec<u8> {
    let skipped: Vec<(&str, &str)> = skipped.iter().map(|s| (s.path.as_str(), s.reason.as_str())).collect();
    let skipped = json!(skipped).to_string();
    let bytes = 4 * shape.iter().product::<usize>();
    let features = json!({"dtype": "F32", "shape": shape, "data_offsets": [0, bytes]});
    let mut text = json!({"__metadata__": {"skipped": skipped}, "features": features}).to_string();
    while !text.len().is_multiple_of(8) {
        text.push(' ');
    }
    let mut header = (text.len() as u64).to_le_bytes().to_vec();
    header.extend(text.as_bytes());
    header
}

/// Whether these features were computed before.
pub(crate) fn are_cached(
    samples: &[Sample],
    body: &Encoder<'_>,
    encoded: EncodedViews,
    cache: &Path,
) -> Result<bool> {
    let file = cache_file(samples, body, encoded, cache)?;
    Ok(Table::open(&file, samples.len()).is_some())
}

fn cache_file(
    samples: &[Sample],
    body: &Encoder<'_>,
    encoded: EncodedViews,
    cache: &Path,
) -> Result<PathBuf> {
    Ok(cache.join(format!("{}.features", key(samples, body, encoded)?)))
}

/// A name for all that the features depend on: weights, architecture, views, and each file by path, length and time
/// of change (or by content, if it is in memory).
fn key(samples: &[Sample], body: &Encoder<'_>, encoded: EncodedViews) -> Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(body.key.as_bytes());
    hasher.update(&(encoded.views() as u64).to_le_bytes());
    // Which images are too large to be read is in the file, too. A set has one limit.
    if let Some(limits) = samples.first().and_then(|sample| sample.source.limits()) {
        hasher.update(&limits.key());
    }
    for sample in samples {
        let name: PathBuf = match &sample.source {
            Pixels::File { path, .. } => path.clone(),
            Pixels::Row { table, row, .. } => table.path().join(row.to_string()),
            Pixels::Memory(_) => PathBuf::from(&sample.path),
        };
        let name = name.as_os_str().as_encoded_bytes();
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name);
        match &sample.source {
            Pixels::File { .. } | Pixels::Row { .. } => {
                // A file that can't even be asked about is skipped when it is decoded.
                if let Some(Ok(about)) = sample.source.path().map(Path::metadata) {
                    hasher.update(&about.len().to_le_bytes());
                    let changed = about.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
                    hasher.update(&changed.unwrap_or_default().as_nanos().to_le_bytes());
                }
            }
            Pixels::Memory(image) => {
                hasher.update(image);
            }
        }
    }
    Ok(hasher.finalize())
}
