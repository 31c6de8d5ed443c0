//! What a run will take of a GPU's memory.

use serde::{Deserialize, Serialize};

/// What a run will take of a GPU's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceMemory {
    /// Networks, their gradients and averages, in bytes.
    pub networks: u64,
    /// What the evaluation of a batch takes beside them, whose size is no setting.
    pub evaluation: u64,
    /// What a training step takes beside them, for each image of its batch.
    pub an_image: u64,
    /// The most, in bytes.
    pub bytes: u64,
}

impl DeviceMemory {
    /// Where a training step takes `training` beside the networks.
    pub(crate) fn new(networks: u64, evaluation: u64, an_image: u64, training: u64) -> Self {
        Self { networks, evaluation, an_image, bytes: networks + evaluation.max(training) }
    }

    /// The largest batch of at most `batch` images that `available` bytes have room for; `None` where there is none of two images.
    pub(crate) fn largest_batch(self, batch: usize, available: u64) -> Option<usize> {
        let room = available.checked_sub(self.networks).filter(|room| *room >= self.evaluation)?;
        let fits =
            room.checked_div(self.an_image).map_or(batch, |fits| usize::try_from(fits).unwrap_or(usize::MAX));
        Some(fits.min(batch)).filter(|batch| *batch >= 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_batch_is_the_last_that_has_room() {
        let memory = DeviceMemory::new(360, 50, 10, 640);
        assert_eq!(memory.bytes, 1000);
        let fits = |available| memory.largest_batch(64, available);
        assert_eq!([fits(1000), fits(2000)], [Some(64); 2]);
        assert_eq!([fits(999), fits(990), fits(989)], [Some(63), Some(63), Some(62)]);
        assert_eq!([fits(410), fits(409), fits(0)], [Some(5), None, None], "evaluation takes 50");
        for available in 410..1000 {
            let batch = fits(available).unwrap();
            assert!(DeviceMemory::new(360, 50, 10, 10 * batch as u64).bytes <= available);
            assert!(DeviceMemory::new(360, 50, 10, 10 * (batch as u64 + 1)).bytes > available);
        }
    }

    #[test]
    fn a_batch_of_one_image_is_none() {
        assert_eq!(DeviceMemory::new(0, 0, 10, 640).largest_batch(64, 19), None);
        assert_eq!(DeviceMemory::new(0, 0, 0, 0).largest_batch(64, 0), Some(64));
    }
}
