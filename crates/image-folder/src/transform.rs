//! The arithmetic of a view: which part of an image, how large, which way round, and as which numbers.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use image::RgbImage;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use crate::batch::Batch;
use crate::resize::{self, Interpolation};
use crate::{Error, Operation, Policy, Result};

/// What is done to an image on its way into a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Transform {
    /// Width and height of a view, in pixels.
    pub size: usize,
    /// What the short side of an image is resized to, of which a view is the middle: `size` or more, in pixels.
    pub resized: usize,
    /// Subtracted from each channel, red, green, blue, in 0..1.
    pub mean: [f32; 3],
    /// Each channel is divided by this afterwards.
    pub std: [f32; 3],
    /// How an image is resized.
    pub interpolation: Interpolation,
    /// Whether augmented views are flipped left to right, half of them.
    pub flip: bool,
    /// How far augmented views are shifted at most, each way, in pixels; what comes in is black.
    pub crop_padding: usize,
}

impl Transform {
    /// Checks that views can be made.
    ///
    /// # Errors
    /// The size is 0 or above 65,535, or a mean or standard deviation is no number or not positive.
    pub fn check(&self) -> Result<()> {
        if self.size == 0 || self.size > usize::from(u16::MAX) {
            return Err(Error::Transform(format!("the size {} is not in 1 to 65535", self.size)));
        }
        if !(self.size..=usize::from(u16::MAX)).contains(&self.resized) {
            let problem = format!(
                "the short side's {} pixels are not in {} (the size) to 65535",
                self.resized, self.size
            );
            return Err(Error::Transform(problem));
        }
        if self.crop_padding > self.size {
            let problem = format!("a padding of {} is more than the size {}", self.crop_padding, self.size);
            return Err(Error::Transform(problem));
        }
        let usable = self.mean.iter().all(|mean| mean.is_finite())
            && self.std.iter().all(|std| std.is_finite() && *std > 0.0);
        if usable {
            Ok(())
        } else {
            Err(Error::Transform(format!(
                "mean {:?} and standard deviation {:?} must be numbers, the latter above 0",
                self.mean, self.std
            )))
        }
    }

    /// The plain view as 8-bit pixels: the short side becomes `resized`, and the middle `size` pixels of both are kept, as
    /// torchvision's `Resize` and `CenterCrop` do. A square image that is neither resized nor cut stays as it is.
    pub fn fit<'a>(&self, image: &'a RgbImage) -> Cow<'a, RgbImage> {
        let (width, height) = image.dimensions();
        let [size, resized] = [self.size, self.resized].map(|side| side as u32); // `check` bounds them
        if (width, height) == (size, size) && resized == size {
            return Cow::Borrowed(image);
        }
        Cow::Owned(resize::to_square(image, size, resized, self.interpolation))
    }

    /// The pixels of images as numbers, (value / 255 - mean) / std. They may have any size, all the same.
    ///
    /// # Errors
    /// Their sizes differ.
    pub fn normalise(&self, images: &[&RgbImage]) -> Result<Batch> {
        let (width, height) = images.first().map_or((0, 0), |image| image.dimensions());
        if let Some(other) = images.iter().find(|image| image.dimensions() != (width, height)) {
            let (w, h) = other.dimensions();
            return Err(Error::Transform(format!("images of {width}x{height} and of {w}x{h} make no batch")));
        }
        let (normaliser, length) = (Normaliser::new(self), width as usize * height as usize * 3);
        let shape = [images.len(), height as usize, width as usize, 3];
        if length == 0 {
            return Ok(Batch { pixels: Vec::new(), shape });
        }
        let mut pixels = Vec::with_capacity(images.len() * length);
        let places = pixels.spare_capacity_mut()[..images.len() * length].par_chunks_exact_mut(length);
        places.zip(images).for_each(|(place, image)| normaliser.apply(image.as_raw(), place));
        // SAFETY: each of the chunks was written, whole, and they are all of the length.
        unsafe { pixels.set_len(images.len() * length) };
        Ok(Batch { pixels, shape })
    }

    /// Bytes or numbers of a view.
    pub(crate) fn view_length(&self) -> usize {
        self.size * self.size * 3
    }

    /// How the augmented view with this seed is made.
    pub(crate) fn augmentation(&self, seed: u64) -> Recipe {
        self.draw_way(&mut Xoshiro256PlusPlus::seed_from_u64(seed)).into()
    }

    /// How the strong view with this seed is made: as an augmented one, and then by two operations, in the order of AugDesc's
    /// `dataloader_cifar.py`.
    pub(crate) fn strong_augmentation(&self, policy: Policy, seed: u64) -> Recipe {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let way = self.draw_way(&mut random);
        Recipe { way, operations: policy.draw(self.size, &mut random) }
    }

    /// Down, right, then which way round.
    fn draw_way(&self, random: &mut impl Rng) -> Way {
        let top = random.random_range(0..=2 * self.crop_padding);
        let left = random.random_range(0..=2 * self.crop_padding);
        Way { top, left, flipped: random.random_bool(0.5) && self.flip }
    }

    /// How the plain view is made, which shifts nothing.
    pub(crate) fn straight(&self, flipped: bool) -> Recipe {
        Way { top: self.crop_padding, left: self.crop_padding, flipped }.into()
    }

    /// Writes one view, `[size, size, 3]`, of a fitted image of as many bytes: all of its numbers.
    pub(crate) fn write_view(
        &self,
        pixels: &[u8],
        recipe: Recipe,
        normaliser: &Normaliser,
        view: &mut [MaybeUninit<f32>],
    ) {
        let row_length = self.size * 3;
        assert!(pixels.len() == self.view_length() && view.len() == pixels.len(), "as many numbers as bytes");
        if recipe == self.straight(false) {
            return normaliser.apply(pixels, view);
        }
        let Recipe { way, operations } = recipe;
        if operations == UNCHANGED {
            // A row at a time, which stays in the nearest cache.
            let mut row = vec![0; row_length];
            for (y, numbers) in view.chunks_exact_mut(row_length).enumerate() {
                row.fill(0);
                self.write_row(pixels, way, y, &mut row);
                normaliser.apply(&row, numbers);
            }
            return;
        }
        let side = self.size as u32; // `check` bounds it
        let mut image = RgbImage::new(side, side);
        let rows = image.chunks_exact_mut(row_length);
        rows.enumerate().for_each(|(y, row)| self.write_row(pixels, way, y, row));
        operations.iter().for_each(|operation| operation.apply(&mut image));
        normaliser.apply(&image, view);
    }

    /// Writes what of row `y` of a view comes from the image; the rest of the row is black already.
    fn write_row(&self, pixels: &[u8], way: Way, y: usize, row: &mut [u8]) {
        let (from, to, count) = shift(way.left, self.crop_padding, self.size);
        let source = (y + way.top).checked_sub(self.crop_padding).filter(|source| *source < self.size);
        if let Some(source) = source {
            let pixels = &pixels[source * row.len()..][..row.len()];
            row[to * 3..(to + count) * 3].copy_from_slice(&pixels[from * 3..(from + count) * 3]);
        }
        if way.flipped {
            row.reverse(); // pixels and channels
            row.as_chunks_mut::<3>().0.iter_mut().for_each(|[red, _, blue]| std::mem::swap(red, blue));
        }
    }
}

/// All that a view's numbers depend on, beside its image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Recipe {
    way: Way,
    /// Done one after the other to the view.
    operations: [Operation; 2],
}

const UNCHANGED: [Operation; 2] = [Operation::Identity; 2];

impl From<Way> for Recipe {
    fn from(way: Way) -> Self {
        Self { way, operations: UNCHANGED }
    }
}

/// How a view lies in the image with its black border: the crop's corner, and which way round it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    top: usize,
    left: usize,
    flipped: bool,
}

/// Of a row of `size` pixels with `padding` on both sides, seen from `left` on: the first pixel taken, where
/// it goes, and how many are taken.
fn shift(left: usize, padding: usize, size: usize) -> (usize, usize, usize) {
    let from = left.saturating_sub(padding);
    let to = padding.saturating_sub(left);
    (from, to, size - from - to)
}

/// Bytes to numbers, (value / 255 - mean) / std, for channels that take turns.
#[derive(Debug)]
pub(crate) struct Normaliser {
    scale: [f32; LANES],
    bias: [f32; LANES],
}

/// A multiple of 3 channels and of the width of vector registers: 16 pixels.
const LANES: usize = 48;

impl Normaliser {
    pub(crate) fn new(transform: &Transform) -> Self {
        let (mean, std) = (transform.mean, transform.std);
        Self {
            scale: std::array::from_fn(|lane| 1.0 / (255.0 * std[lane % 3])),
            bias: std::array::from_fn(|lane| -mean[lane % 3] / std[lane % 3]),
        }
    }

    /// `bytes` begins with a red value; as many numbers are written, all that there are.
    fn apply(&self, bytes: &[u8], numbers: &mut [MaybeUninit<f32>]) {
        assert_eq!(bytes.len(), numbers.len());
        let (blocks, rest) = bytes.as_chunks::<LANES>();
        let (block_numbers, rest_numbers) = numbers.as_chunks_mut::<LANES>();
        for (bytes, numbers) in blocks.iter().zip(block_numbers) {
            for lane in 0..LANES {
                numbers[lane].write(f32::from(bytes[lane]) * self.scale[lane] + self.bias[lane]);
            }
        }
        for (lane, (byte, number)) in rest.iter().zip(rest_numbers).enumerate() {
            number.write(f32::from(*byte) * self.scale[lane] + self.bias[lane]);
        }
    }
}
