//! A frozen backbone's work: the global features of a few views of every image, computed once, kept in a file, and
//! given to the loop as if they were images.
//!
//! The file is one safetensors tensor `features` `[N, V, F]`, named by a hash of all that it depends on, so it needs
//! no invalidation; it is memory-mapped, so a set may be larger than memory.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::UNIX_EPOCH;

use candle_core::{Device, Tensor};
use dividemix::{View, ViewSource};
use effnet_model::EfficientNet;
use image::imageops::flip_horizontal_in_place;
use image_folder::{Pixels, RgbImage, Sample, Skipped, Transform, fingerprint};
use memmap2::Mmap;
use rayon::prelude::*;
use serde_json::json;

use super::decode::{DecodedBatch, decode_batches};
use super::pixels::ToTensor;
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
    /// Hash of the weights' content and of the architecture.
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

/// Features of a set's images, memory-mapped.
pub(crate) struct Features {
    map: Mmap,
    /// Where the tensor starts in the file.
    start: usize,
    samples: usize,
    views: usize,
    length: usize,
    /// The device that batches are for.
    device: Device,
}

impl Features {
    /// The features of `samples` from the cache, or computed and put there. What can't be read is left out of the
    /// samples that come back, and listed.
    pub(crate) fn of(
        samples: Vec<Sample>,
        backbone: &Encoder<'_>,
        encoded: EncodedViews,
        cache: &Path,
        transform: &Transform,
        observer: &dyn Observer,
    ) -> Result<(Self, Vec<Sample>, Vec<Skipped>)> {
        let file = cache_file(&samples, backbone, encoded, cache)?;
        let (features, skipped) = if let Some(cached) = Self::open(&file, samples.len(), backbone.device) {
            let total = samples.len();
            observer.observe(Progress::Features { done: total, total });
            cached
        } else {
            let all = Arc::from(samples.as_slice());
            compute(&file, &all, transform, backbone, encoded, observer)?;
            Self::open(&file, samples.len(), backbone.device).ok_or(Error::Format {
                path: file,
                problem: "changed while it was written; try again".to_owned(),
            })?
        };
        let unreadable: HashSet<&str> = skipped.iter().map(|s| s.path.as_str()).collect();
        let kept = samples.into_iter().filter(|s| !unreadable.contains(s.path.as_str())).collect();
        Ok((features, kept, skipped))
    }

    /// A cached file, unless it is missing or not whole: then it is made anew.
    fn open(file: &Path, samples: usize, device: &Device) -> Option<(Self, Vec<Skipped>)> {
        let opened = File::open(file).ok()?;
        // SAFETY: the file is replaced by renaming alone, never written in place, by this program; a user who
        // truncates a file in the cache of a program that runs gets what a truncated swap file gives.
        let map = unsafe { Mmap::map(&opened) }.ok()?;
        let (header, metadata) = safetensors::SafeTensors::read_metadata(&map).ok()?;
        let info = metadata.info("features")?;
        let &[n, views, length] = info.shape.as_slice() else { return None };
        let skipped = metadata.metadata().as_ref()?.get("skipped")?;
        let skipped: Vec<(String, String)> = serde_json::from_str(skipped).ok()?;
        let skipped: Vec<Skipped> =
            skipped.into_iter().map(|(path, reason)| Skipped { path, reason }).collect();
        // The length of the header stands before it in eight bytes.
        let start = 8 + header + info.data_offsets.0;
        if info.dtype != safetensors::Dtype::F32 || n + skipped.len() != samples || !start.is_multiple_of(4) {
            return None;
        }
        Some((Self { map, start, samples: n, views, length, device: device.clone() }, skipped))
    }

    /// Length of a feature.
    pub(crate) fn width(&self) -> usize {
        self.length
    }

    /// Writes the feature of a sample's plain view into `out`.
    pub(crate) fn copy_plain(&self, sample: usize, out: &mut [f32]) {
        out.iter_mut().zip(self.row(sample, 0)).for_each(|(value, feature)| *value = feature);
    }

    /// A number for each sample that is the same where the features of the plain views are, as they are of the same pixels.
    pub(crate) fn fingerprints(&self) -> Vec<u128> {
        let bytes = 4 * self.length;
        let of = |sample: usize| fingerprint(&self.map[self.start + sample * self.views * bytes..][..bytes]);
        (0..self.samples).into_par_iter().map(of).collect()
    }

    /// The feature of a sample's view.
    fn row(&self, sample: usize, view: usize) -> impl Iterator<Item = f32> {
        let bytes = 4 * self.length;
        let row = &self.map[self.start + (sample * self.views + view) * bytes..][..bytes];
        row.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// The chosen view of each sample, `[B, F]`.
    fn rows(&self, views: impl ExactSizeIterator<Item = (usize, usize)>) -> Result<Tensor> {
        let count = views.len();
        let mut values = Vec::with_capacity(count * self.length);
        for (sample, view) in views {
            if sample >= self.samples {
                return Err(Error::Data(format!("sample {sample} of {} was asked for", self.samples)));
            }
            values.extend(self.row(sample, view));
        }
        Ok(Tensor::from_vec(values, (count, self.length), &self.device)?)
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
    backbone: &Encoder<'_>,
    encoded: EncodedViews,
    observer: &dyn Observer,
) -> Result<()> {
    let failed = || Error::io("can't write", file);
    let network = backbone.network.evaluator()?;
    let to_tensor = ToTensor::new(transform, backbone.device)?;
    let encode = |images: &[RgbImage]| -> Result<Vec<Vec<f32>>> {
        let images = to_tensor.of_images(&images.iter().collect::<Vec<_>>())?;
        Ok(network.features(&images)?.to_vec2()?)
    };
    // The header, which comes first, holds how many images can be read, which is known last.
    let rows = tempfile::tempfile_in(replace_file::folder_of(file)).map_err(failed())?;
    let mut out = BufWriter::new(rows);
    let mut skipped = Vec::new();
    let fit = transform.clone();
    let decode = move |sample: &Sample| fit.image_of(sample).map(|image| fit.fit(&image).into_owned());
    for batch in decode_batches(samples, BATCH, decode) {
        if observer.stop().load(Ordering::Relaxed) {
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
        observer.observe(Progress::Features { done, total: samples.len() });
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
    backbone: &Encoder<'_>,
    encoded: EncodedViews,
    cache: &Path,
) -> Result<bool> {
    let file = cache_file(samples, backbone, encoded, cache)?;
    Ok(Features::open(&file, samples.len(), backbone.device).is_some())
}

fn cache_file(
    samples: &[Sample],
    backbone: &Encoder<'_>,
    encoded: EncodedViews,
    cache: &Path,
) -> Result<PathBuf> {
    Ok(cache.join(format!("{}.features", key(samples, backbone, encoded)?)))
}

/// A name for all that the features depend on: weights, architecture, views, and each file by path, length and time
/// of change (or by content, if it is in memory).
fn key(samples: &[Sample], backbone: &Encoder<'_>, encoded: EncodedViews) -> Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(backbone.key.as_bytes());
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
