//! What of a run's images is in no cache yet.

use std::path::Path;

use candle_core::Device;
use image_folder::{Cache, Sample};

use crate::Result;
use crate::data::{Data, EncodedViews, are_cached, encoded_views, transform_for};
use crate::settings::{CacheKind, ResolvedSettings};
use crate::weights::FrozenBody;

/// Images that have to be decoded of the training set and of the test set: none of a set that is in the disk cache.
pub(super) fn pixels_to_read(plan: &ResolvedSettings, data: &Data, cache: &Path) -> Result<[usize; 2]> {
    let sets = [&data.folder.train, &data.folder.test];
    if plan.cache != CacheKind::Disk {
        return Ok(sets.map(Vec::len));
    }
    let (cache, transform) = (Cache::Disk(cache.to_owned()), transform_for(&plan.arch, plan.augment));
    Ok(sets.map(|samples| if cache.holds(samples, &transform) { 0 } else { samples.len() }))
}

/// Views of both sets that have to go through a frozen body: none of a set whose features are in the cache.
pub(super) fn views_to_encode(
    plan: &ResolvedSettings,
    data: &Data,
    (body, device): (Option<&FrozenBody>, &Device),
    cache: &Path,
) -> Result<[usize; 2]> {
    let left = |samples: &[Sample], encoded: EncodedViews| -> Result<usize> {
        let cached =
            body.map_or(Ok(false), |body| are_cached(samples, &body.encoder(device), encoded, cache))?;
        Ok(if cached { 0 } else { samples.len() * encoded.views() })
    };
    Ok([
        left(&data.folder.train, encoded_views(plan.augment))?,
        left(&data.folder.test, EncodedViews::Plain)?,
    ])
}
