//! The loader: files to augmented batches, nothing cached.

use anyhow::{Result, ensure};
use dividemix::prefetch;
use effmix::settings::Augment;
use effmix::transform_for;
use effmix_bench::{Timing, median_seconds};
use effnet_model::Arch;
use image_folder::{Cache, OpenOptions, TestSplit, Views, open};
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Batches that wait to be used, as in training.
const PREFETCHED: usize = 2;

#[derive(Deserialize)]
pub(crate) struct Loader {
    data: PathBuf,
    size: usize,
    batch: usize,
}

impl Loader {
    /// Images a second of a pass through the set.
    pub(crate) fn measure(&self, timing: Timing) -> Result<(f64, Option<Value>)> {
        let arch = Arch::by_name("b0")?.with_size(self.size);
        let views = Arc::new(views(&self.data, usize::MAX, &arch, Cache::None)?);
        let samples: Vec<usize> = (0..views.len()).collect();
        let mut pass = 0;
        let mut read = || -> Result<()> {
            pass += 1;
            let batches: Vec<Vec<(usize, u64)>> =
                samples.chunks(self.batch).map(|batch| batch.iter().map(|&i| (i, pass)).collect()).collect();
            let source = Arc::clone(&views);
            let mut images = 0;
            for batch in prefetch(batches, PREFETCHED, move |views: Vec<(usize, u64)>| {
                source.augmented(&views).map_err(dividemix::Error::caller)
            }) {
                images += batch?.shape[0];
            }
            ensure!(images == samples.len(), "{images} images came of {}", samples.len());
            Ok(())
        };
        read()?;
        Ok((samples.len() as f64 / median_seconds(timing, 1, read)?, None))
    }
}

/// The first `count` images of a folder, with the augmentation of training.
pub(crate) fn views(folder: &Path, count: usize, arch: &Arch, cache: Cache) -> Result<Views> {
    let set = open(folder, &OpenOptions { test: TestSplit::None, ..OpenOptions::default() })?;
    let samples: Vec<_> = every(set.train, count);
    let transform = transform_for(arch, Augment::FlipCrop);
    let (views, unreadable) = Views::build(samples, transform, cache, &|_, _| (), &AtomicBool::new(false))?;
    ensure!(unreadable.is_empty(), "{} files can't be read", unreadable.len());
    Ok(views)
}

/// `count` of `items`, evenly spread over them (they are sorted by class).
fn every<T>(items: Vec<T>, count: usize) -> Vec<T> {
    let all = items.len();
    items
        .into_iter()
        .enumerate()
        .filter(|(i, _)| count >= all || i * count / all != (i + 1) * count / all)
        .map(|(_, item)| item)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_items_are_spread_over_all() {
        for (all, count) in [(10, 3), (1024, 256), (7, 7), (5, 9)] {
            let taken = every((0..all).collect(), count);
            assert_eq!(taken.len(), count.min(all));
            assert!(taken.last() == Some(&(all - 1)), "{taken:?}");
        }
    }
}
