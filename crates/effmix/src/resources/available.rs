//! Whether memory and disk are large enough for a run. A run that would fail in an hour is refused at once.

use std::path::{Path, PathBuf};

use dividemix::memory::{memory_left, memory_left_on, memory_used, memory_used_on};

use super::disk::{disk_left, same_disk};
use super::estimate::Estimate;
use crate::device::ComputeDevice;
use crate::settings::CacheKind;
use crate::text::human_bytes;
use crate::{Error, Result};

/// Free memory and disk, in bytes; `None` where the system doesn't report it.
#[derive(Debug, Clone)]
pub(crate) struct AvailableResources {
    /// Memory that this process can have in all: what it has, and what is left.
    memory: Option<u64>,
    /// The GPU that computes, and what this process can have of its memory.
    device: String,
    device_memory: Option<u64>,
    run: PathBuf,
    run_disk: Option<u64>,
    cache: PathBuf,
    cache_disk: Option<u64>,
    one_disk: bool,
}

impl AvailableResources {
    /// For a run in the folder `run`, with its cache in `cache`; neither has to be there yet.
    pub(crate) fn here(run: &Path, cache: &Path, device: &ComputeDevice) -> Self {
        let in_all = |(left, used): (u64, u64)| left + used;
        let on = device.candle();
        Self {
            memory: memory_left().zip(memory_used()).map(in_all),
            device: device.choice().to_string(),
            device_memory: memory_left_on(on).zip(memory_used_on(on)).map(in_all),
            run: run.to_owned(),
            run_disk: disk_left(run),
            cache: cache.to_owned(),
            cache_disk: disk_left(cache),
            one_disk: same_disk(run, cache),
        }
    }

    /// Checks that what is needed is there, for batches of `batch` images.
    ///
    /// # Errors
    /// [`Error::InsufficientResources`] for what isn't.
    pub(crate) fn check(&self, needed: &Estimate, images: CacheKind, batch: usize) -> Result<()> {
        let to_disk = if images == CacheKind::Ram { ", or keep images on disk (--cache disk)" } else { "" };
        let smaller = format!("lower --batch or --size, choose a smaller --arch{to_disk}");
        enough("in memory".to_owned(), needed.memory_bytes, self.memory, &smaller)?;
        if let Some((memory, left)) = needed.device_memory.zip(self.device_memory) {
            let smaller = match memory.largest_batch(batch, left) {
                Some(fits) => format!("a --batch of {fits} fits (now {batch}), or smaller images (--size)"),
                None => "lower --size, choose a smaller --arch, or say --device cpu".to_owned(),
            };
            enough(format!("on {}", self.device), Some(memory.bytes), Some(left), &smaller)?;
        }
        let on = |folder: &Path| format!("on the disk of {}", folder.display());
        let shared = if self.one_disk { needed.cache_bytes } else { 0 };
        let elsewhere = "choose a folder on another disk with --out, or make room";
        enough(on(&self.run), Some(needed.run_bytes + shared), self.run_disk, elsewhere)?;
        if needed.cache_bytes == 0 {
            return Ok(());
        }
        let elsewhere = "set EFFMIX_CACHE to a folder on another disk, or make room";
        enough(on(&self.cache), Some(needed.cache_bytes), self.cache_disk, elsewhere)
    }
}

fn enough(place: String, needed: Option<u64>, left: Option<u64>, remedy: &str) -> Result<()> {
    match needed.zip(left) {
        Some((needed, left)) if needed > left => Err(Error::InsufficientResources {
            place,
            needed: human_bytes(needed),
            left: human_bytes(left),
            remedy: remedy.to_owned(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DeviceMemory;
    use crate::resources::Timetable;

    const GB: u64 = 1_000_000_000;

    fn available() -> AvailableResources {
        AvailableResources {
            memory: Some(8 * GB),
            device: "cuda:0".to_owned(),
            device_memory: Some(2 * GB),
            run: "runs".into(),
            run_disk: Some(4 * GB),
            cache: "cache".into(),
            cache_disk: Some(2 * GB),
            one_disk: false,
        }
    }

    fn small() -> Estimate {
        Estimate {
            seconds: 1.0,
            cached_seconds: 0.0,
            timetable: Timetable::default(),
            memory_bytes: Some(GB),
            device_memory: None,
            run_bytes: GB,
            cache_bytes: GB,
        }
    }

    #[test]
    fn what_fits_is_allowed_and_so_is_what_nobody_knows() {
        available().check(&small(), CacheKind::Ram, 64).unwrap();
        let unknown = AvailableResources { memory: None, run_disk: None, cache_disk: None, ..available() };
        let huge =
            Estimate { memory_bytes: Some(u64::MAX), run_bytes: GB << 20, cache_bytes: GB << 20, ..small() };
        unknown.check(&huge, CacheKind::Ram, 64).unwrap();
    }

    #[test]
    fn what_does_not_fit_is_refused_with_place_need_room_and_remedy() {
        let refused =
            |needed: Estimate, images| available().check(&needed, images, 64).unwrap_err().to_string();
        let memory = refused(Estimate { memory_bytes: Some(9 * GB), ..small() }, CacheKind::Ram);
        for part in ["memory", "9.0 GB", "8.0 GB", "--batch", "--cache disk", "--anyway"] {
            assert!(memory.contains(part), "{part:?} is not in {memory}");
        }
        let memory = refused(Estimate { memory_bytes: Some(9 * GB), ..small() }, CacheKind::Disk);
        assert!(!memory.contains("--cache disk"), "{memory}");
        let on_gpu = |networks, an_image| {
            let device_memory = Some(DeviceMemory::new(networks, 0, an_image, 64 * an_image));
            refused(Estimate { device_memory, ..small() }, CacheKind::Ram)
        };
        let memory = on_gpu(GB * 7 / 5, GB / 40);
        for part in ["on cuda:0", "3.0 GB", "2.0 GB", "--batch of 24 fits (now 64)"] {
            assert!(memory.contains(part), "{part:?} is not in {memory}");
        }
        let memory = on_gpu(3 * GB, GB / 40);
        assert!(memory.contains("--size") && memory.contains("--device cpu"), "{memory}");
        let disk = refused(Estimate { run_bytes: 5 * GB, ..small() }, CacheKind::Ram);
        assert!(disk.contains("runs") && disk.contains("5.0 GB") && disk.contains("--out"), "{disk}");
        let cache = refused(Estimate { cache_bytes: 3 * GB, ..small() }, CacheKind::Disk);
        assert!(cache.contains("the disk of cache") && cache.contains("EFFMIX_CACHE"), "{cache}");
    }

    #[test]
    fn on_one_disk_run_and_cache_count_together() {
        let both = Estimate { run_bytes: 3 * GB, cache_bytes: 3 * GB / 2, ..small() };
        available().check(&both, CacheKind::Disk, 64).unwrap();
        assert!(
            AvailableResources { one_disk: true, ..available() }.check(&both, CacheKind::Disk, 64).is_err()
        );
    }
}
