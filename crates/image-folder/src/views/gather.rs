//! All images of a set, decoded in parallel into one piece of memory.

use rayon::prelude::*;

use super::reader::Reader;
use crate::{Error, Result, Sample, fingerprint};

/// For each sample the reason why it can't be read, or `None`.
pub(super) type Reasons = Vec<Option<String>>;

/// The fingerprints of the readable samples; no pixels are kept.
pub(super) fn fingerprints(samples: &[Sample], reader: &Reader) -> Result<(Vec<u128>, Reasons)> {
    let read = |sample: &Sample| {
        let mut found = None;
        let reason = reader.read(sample, |image| found = Some(fingerprint(image)))?;
        Ok((found, reason))
    };
    let read: Vec<(Option<u128>, Option<String>)> = samples.par_iter().map(read).collect::<Result<_>>()?;
    let (fingerprints, reasons): (Vec<_>, Reasons) = read.into_iter().unzip();
    Ok((fingerprints.into_iter().flatten().collect(), reasons))
}

/// The fitted pixels of the readable samples, one after the other.
pub(super) fn into_memory(samples: &[Sample], reader: &Reader) -> Result<(Vec<u8>, Reasons)> {
    let length = reader.transform.image_length();
    let too_large = |bytes| Error::Memory { images: samples.len(), bytes };
    let bytes = samples.len().checked_mul(length).ok_or_else(|| too_large(usize::MAX))?;
    let mut pixels: Vec<u8> = Vec::new();
    pixels.try_reserve_exact(bytes).map_err(|_| too_large(bytes))?;
    pixels.resize(bytes, 0);
    let reasons: Reasons = samples
        .par_iter()
        .zip(pixels.par_chunks_exact_mut(length))
        .map(|(sample, place)| reader.read(sample, |image| place.copy_from_slice(image)))
        .collect::<Result<_>>()?;
    // Close the gaps that unreadable images left.
    let mut end = 0;
    for (index, _) in reasons.iter().enumerate().filter(|(_, reason)| reason.is_none()) {
        pixels.copy_within(index * length..(index + 1) * length, end);
        end += length;
    }
    pixels.truncate(end);
    Ok((pixels, reasons))
}
