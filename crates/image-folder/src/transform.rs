//! The arithmetic of a view: the part of an image that it shows, its size, its flip, and its normalisation.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use image::RgbImage;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use crate::batch::{Batch, ViewOf, shape_of};
use crate::resize::{self, Interpolation};
use crate::{Error, Operation, Policy, Result};

/// How an image that is not square becomes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fit {
    /// Its middle is kept, and the longer side cut off on both ends.
    #[default]
    Crop,
    /// It is squeezed: all of it is seen, in other proportions.
    Squeeze,
    /// It gets a border, of the colour of the mean: all of it is seen, in its proportions and smaller.
    Pad,
}

/// The transform of an image to a view in a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Transform {
    /// Width and height of a view, in pixels.
    pub size: usize,
    /// How an image that is not square becomes a view.
    pub fit: Fit,
    /// With [`Fit::Crop`] the short side of an image is resized to this, and a view is the middle of the result; `size` or more, in pixels.
    pub resized: usize,
    /// The mean of each channel (red, green, blue) in 0..1, which is subtracted.
    pub mean: [f32; 3],
    /// The standard deviation of each channel, by which it is divided afterwards.
    pub std: [f32; 3],
    /// The filter that resizes an image.
    pub interpolation: Interpolation,
    /// Whether half of the augmented views are flipped left to right.
    pub flip: bool,
    /// The largest shift of augmented views in each direction, in pixels; the border that moves in is black.
    pub crop_padding: usize,
}

impl Transform {
    /// Checks that views can be made.
    ///
    /// # Errors
    /// [`Error::Transform`] where `size` is not in 1..=65535, `resized` is not in `size`..=65535, `crop_padding` is above `size`, a mean
    /// is not finite, or a standard deviation is not finite and above 0.
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

    /// The plain view as 8-bit pixels. With [`Fit::Crop`] the short side is resized to `resized`, and the middle `size` x `size` pixels are
    /// kept, as by torchvision's `Resize` and `CenterCrop`; with [`Fit::Squeeze`] and [`Fit::Pad`] the view shows all of the image, as by
    /// Pillow's `resize` and `ImageOps.pad`. A square image that already has this size is returned as it is.
    pub fn fit<'a>(&self, image: &'a RgbImage) -> Cow<'a, RgbImage> {
        let (width, height) = image.dimensions();
        let [size, resized] = [self.size, self.resized].map(|side| side as u32); // `check` bounds them
        if (width, height) == (size, size) && (resized == size || self.fit != Fit::Crop) {
            return Cow::Borrowed(image);
        }
        Cow::Owned(match self.fit {
            Fit::Crop => resize::to_square(image, size, resized, self.interpolation),
            Fit::Squeeze => resize::squeezed(image, size, self.interpolation),
            Fit::Pad => resize::padded(image, size, self.border(), self.interpolation),
        })
    }

    /// The colour of the mean, which is 0 when it is normalised, but for rounding.
    fn border(&self) -> image::Rgb<u8> {
        // A cast rounds to the nearest number of the type where it is out of range.
        image::Rgb(self.mean.map(|mean| (mean * 255.0).round() as u8))
    }

    /// The pixels of images as numbers, (value / 255 - mean) / std: `[N, height, width, 3]`. The images may have any size, but all the
    /// same one.
    ///
    /// # Errors
    /// [`Error::Transform`] where their sizes differ.
    pub fn normalise(&self, images: &[&RgbImage]) -> Result<Batch> {
        let shape = shape_of(images)?;
        let (normaliser, length) = (Normaliser::new(self), shape[1..].iter().product());
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

    /// `scale` and `bias` of each channel (red, green, blue): a byte times its scale plus its bias is the number that
    /// [`normalise`](Self::normalise) makes of it, but for rounding.
    pub fn scale_and_bias(&self) -> ([f32; 3], [f32; 3]) {
        let Normaliser { scale, bias } = Normaliser::new(self);
        (std::array::from_fn(|channel| scale[channel]), std::array::from_fn(|channel| bias[channel]))
    }

    /// The number of values of a view.
    pub(crate) fn view_length(&self) -> usize {
        self.size * self.size * 3
    }

    /// The recipe of a view.
    pub(crate) fn recipe(&self, view: ViewOf) -> Recipe {
        match view {
            ViewOf::Plain => self.straight(),
            ViewOf::Augmented(seed) => self.augmentation(seed),
            ViewOf::Strong(policy, seed) => self.strong_augmentation(policy, seed),
        }
    }

    /// The recipe of the augmented view with this seed.
    pub(crate) fn augmentation(&self, seed: u64) -> Recipe {
        self.draw_way(&mut Xoshiro256PlusPlus::seed_from_u64(seed)).into()
    }

    /// The recipe of the strong view with this seed: that of an augmented view, followed by two operations, in the order of AugDesc's
    /// `dataloader_cifar.py`.
    pub(crate) fn strong_augmentation(&self, policy: Policy, seed: u64) -> Recipe {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let way = self.draw_way(&mut random);
        Recipe { way, operations: policy.draw(self.size, &mut random) }
    }

    /// The shift down and right, and then the flip, drawn in this order.
    fn draw_way(&self, random: &mut impl Rng) -> Way {
        let top = random.random_range(0..=2 * self.crop_padding);
        let left = random.random_range(0..=2 * self.crop_padding);
        Way { top, left, flipped: random.random_bool(0.5) && self.flip }
    }

    /// The recipe of the plain view, which is not shifted.
    pub(crate) fn straight(&self) -> Recipe {
        Way { top: self.crop_padding, left: self.crop_padding, flipped: false }.into()
    }

    /// Writes all numbers of one view, `[size, size, 3]`, of a fitted image with as many bytes.
    pub(crate) fn write_view(
        &self,
        pixels: &[u8],
        recipe: Recipe,
        normaliser: &Normaliser,
        view: &mut [MaybeUninit<f32>],
    ) {
        let row_length = self.size * 3;
        assert!(pixels.len() == self.view_length() && view.len() == pixels.len(), "as many numbers as bytes");
        if recipe == self.straight() {
            return normaliser.apply(pixels, view);
        }
        let Recipe { way, operations } = recipe;
        if operations == UNCHANGED {
            // It goes row by row, because a row stays in the nearest cache.
            let mut row = vec![0; row_length];
            for (y, numbers) in view.chunks_exact_mut(row_length).enumerate() {
                row.fill(0);
                self.write_row(pixels, way, y, &mut row);
                normaliser.apply(&row, numbers);
            }
            return;
        }
        normaliser.apply(&self.changed(pixels, recipe), view);
    }

    /// Writes all bytes of one view, `[size, size, 3]`, of a fitted image with as many bytes.
    pub(crate) fn write_bytes(&self, pixels: &[u8], recipe: Recipe, view: &mut [u8]) {
        assert!(
            pixels.len() == self.view_length() && view.len() == pixels.len(),
            "as many bytes as a view has"
        );
        if recipe == self.straight() {
            return view.copy_from_slice(pixels);
        }
        view.copy_from_slice(&self.changed(pixels, recipe));
    }

    /// A view of a fitted image.
    fn changed(&self, pixels: &[u8], Recipe { way, operations }: Recipe) -> RgbImage {
        let side = self.size as u32; // `check` bounds it
        let mut image = RgbImage::new(side, side);
        let rows = image.chunks_exact_mut(self.size * 3);
        rows.enumerate().for_each(|(y, row)| self.write_row(pixels, way, y, row));
        operations.iter().for_each(|operation| operation.apply(&mut image));
        image
    }

    /// Writes the part of row `y` of a view that comes from the image; the rest of the row is black already.
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

/// Everything that a view's numbers depend on, except its image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Recipe {
    way: Way,
    /// The operations that are applied to the view, one after the other.
    operations: [Operation; 2],
}

const UNCHANGED: [Operation; 2] = [Operation::Identity; 2];

impl From<Way> for Recipe {
    fn from(way: Way) -> Self {
        Self { way, operations: UNCHANGED }
    }
}

/// The place of a view in the image with its black border: the crop's corner, and whether it is flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    top: usize,
    left: usize,
    flipped: bool,
}

/// For a row of `size` pixels with `padding` on both sides that is cropped at `left`: the first pixel that is copied, its place in
/// the view, and the number of pixels.
fn shift(left: usize, padding: usize, size: usize) -> (usize, usize, usize) {
    let from = left.saturating_sub(padding);
    let to = padding.saturating_sub(left);
    (from, to, size - from - to)
}

/// The normalisation of bytes, (value / 255 - mean) / std, for interleaved channels.
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

    /// Writes a number for each byte; `bytes` begins with a red value.
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
