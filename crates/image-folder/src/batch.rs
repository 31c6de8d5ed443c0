//! Views of images as numbers, and as bytes.

use image::RgbImage;

use crate::channels::{Channels, each_channel};
use crate::{Error, Policy, Result};

/// A batch of normalised views, as numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The numbers, image by image, row by row, with the channels of a pixel next to each other.
    pub pixels: Vec<f32>,
    /// `[N, height, width, C]`, the number of images first.
    pub shape: [usize; 4],
}

/// A batch of views that are not normalised: on a device, a quarter as many bytes are copied there, and normalised there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByteBatch {
    /// The bytes, image by image, row by row, with the channels of a pixel next to each other.
    pub pixels: Vec<u8>,
    /// `[N, height, width, C]`, the number of images first.
    pub shape: [usize; 4],
}

impl ByteBatch {
    /// The bytes of images with these channels, which may have any size, but all the same one.
    ///
    /// # Errors
    /// [`Error::Transform`] where their sizes differ.
    pub fn of(images: &[&RgbImage], channels: Channels) -> Result<Self> {
        let shape = shape_of(images, channels)?;
        let mut pixels = Vec::with_capacity(shape.iter().product());
        for image in images {
            match channels {
                Channels::Rgb => pixels.extend_from_slice(image.as_raw()),
                _ => each_channel(channels, image.as_raw(), |byte, _| pixels.push(byte)),
            }
        }
        Ok(Self { pixels, shape })
    }
}

/// The shape of a batch of images of one size.
pub(crate) fn shape_of(images: &[&RgbImage], channels: Channels) -> Result<[usize; 4]> {
    let (width, height) = images.first().map_or((0, 0), |image| image.dimensions());
    if let Some(other) = images.iter().find(|image| image.dimensions() != (width, height)) {
        let (w, h) = other.dimensions();
        return Err(Error::Transform(format!("images of {width}x{height} and of {w}x{h} make no batch")));
    }
    Ok([images.len(), height as usize / channels.images(), width as usize, channels.count()])
}

/// A view of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewOf {
    /// The image as it is.
    Plain,
    /// Shifted and flipped by chance, by this seed.
    Augmented(u64),
    /// Changed further by two operations of the policy, by this seed.
    Strong(Policy, u64),
}
