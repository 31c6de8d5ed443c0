//! What a run will take of a GPU's memory.

use serde::{Deserialize, Serialize};

/// What a run will take of a GPU's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceMemory {
    /// The most, in bytes.
    pub bytes: u64,
    /// Of that, bytes for each image of a batch.
    pub bytes_an_image: u64,
}

impl DeviceMemory {
    /// The largest batch that `available` bytes have room for, where `batch` images take [`DeviceMemory::bytes`]; `None` where there
    /// is none of two images.
    pub(crate) fn largest_batch(self, batch: usize, available: u64) -> Option<usize> {
        let Some(too_much) = self.bytes.checked_sub(available) else { return Some(batch) };
        let fewer = usize::try_from(too_much.div_ceil(self.bytes_an_image.max(1))).unwrap_or(usize::MAX);
        batch.checked_sub(fewer).filter(|batch| *batch >= 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_batch_is_the_last_that_has_room() {
        let memory = DeviceMemory { bytes: 1000, bytes_an_image: 10 };
        // 64 images take 640 bytes, and the networks 360.
        let fits = |available| memory.largest_batch(64, available);
        assert_eq!([fits(1000), fits(2000)], [Some(64); 2]);
        assert_eq!([fits(999), fits(990), fits(989)], [Some(63), Some(63), Some(62)]);
        assert_eq!([fits(380), fits(379), fits(0)], [Some(2), None, None]);
        assert_eq!(DeviceMemory { bytes_an_image: 0, ..memory }.largest_batch(64, 0), None);
    }
}
