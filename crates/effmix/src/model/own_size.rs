//! Images at their own sizes: whether the network takes one, and whether memory is enough for it.

use candle_core::Device;
use dividemix::memory::memory_left_on;

use super::open::Model;
use crate::Result;
use crate::text::human_bytes;

/// Images in a batch where they keep their own sizes. So few are decoded at once because each may have tens of millions of pixels.
pub(super) const BATCH: usize = 8;

/// Bytes of a decoded pixel.
const DECODED: f64 = 3.0;

/// Memory that an image takes, in units of the largest layer's input and result: the image itself as numbers and the layers beside that
/// one are there, too. Measured of Lite0: 104 bytes a pixel of 24 megapixels and 97 of 72, where that layer has 44.
const BESIDE_THE_LARGEST_LAYER: f64 = 2.25;

/// What sizes of images a model takes.
#[derive(Clone)]
pub(super) struct OwnSizes {
    /// Side of the smallest images that the network takes.
    smallest: usize,
    /// Bytes that a pixel takes on its way through the network.
    bytes_per_pixel: f64,
    device: Device,
}

impl OwnSizes {
    /// Those of `model`: what a pixel takes follows from its architecture, because memory goes with the area of an image.
    pub(super) fn of(model: &Model) -> Result<Self> {
        let arch = &model.saved.card.arch;
        let cost = arch.cost(model.classes().len())?;
        let an_image = cost.inference_bytes(1) - cost.inference_bytes(0);
        let largest_layer = an_image as f64 / (arch.size * arch.size) as f64;
        let bytes_per_pixel = BESIDE_THE_LARGEST_LAYER * largest_layer + DECODED;
        Ok(Self { smallest: model.smallest, bytes_per_pixel, device: model.device.candle().clone() })
    }

    /// Checks the size of an image in pixels; says what is wrong and what to do.
    pub(super) fn check(&self, width: u32, height: u32) -> std::result::Result<(), String> {
        if (width.min(height) as usize) < self.smallest {
            let smallest = self.smallest;
            return Err(format!(
                "{width} x {height} pixels; the network takes {smallest} and more (leave out --no-resize)"
            ));
        }
        match memory_left_on(&self.device) {
            Some(left) => self.fits(width, height, left),
            None => Ok(()),
        }
    }

    fn fits(&self, width: u32, height: u32, left: u64) -> std::result::Result<(), String> {
        let needed = (f64::from(width) * f64::from(height) * self.bytes_per_pixel) as u64;
        if needed <= left {
            return Ok(());
        }
        Err(format!(
            "{width} x {height} pixels take about {} of memory in the network, and {} are left; leave out --no-resize",
            human_bytes(needed),
            human_bytes(left)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_takes_more_memory_than_is_left_is_refused_with_both_and_the_remedy() {
        let sizes = OwnSizes { smallest: 32, bytes_per_pixel: 50.0, device: Device::Cpu };
        assert_eq!(sizes.fits(4000, 3000, 600_000_000), Ok(()));
        let refused = sizes.fits(4000, 3000, 500_000_000).unwrap_err();
        assert_eq!(
            refused,
            "4000 x 3000 pixels take about 600 MB of memory in the network, and 500 MB are left; leave out --no-resize"
        );
        assert!(sizes.check(31, 3000).unwrap_err().contains("takes 32 and more"));
    }
}
