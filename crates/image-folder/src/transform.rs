//! The arithmetic of a view: the part of an image that it shows, its size, its flip, and its normalisation.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use image::RgbImage;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use crate::batch::{Batch, ViewOf, shape_of};
use crate::channels::{self, Channels};
use crate::resize::{self, Interpolation};
use crate::{Error, Operation, Policy, Result, Sample};

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
    /// The channels of a view.
    pub channels: Channels,
    /// The mean of each channel (red, green, blue; of a grey view their average) in 0..1, which is subtracted.
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
        let (alpha_mean, alpha_std) = match self.channels {
            Channels::Rgba { mean, std } => (mean, std),
            Channels::Grey | Channels::Rgb => (0.0, 1.0),
        };
        let usable = self.mean.iter().chain([&alpha_mean]).all(|mean| mean.is_finite())
            && self.std.iter().chain([&alpha_std]).all(|std| std.is_finite() && *std > 0.0);
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
    /// Pillow's `resize` and `ImageOps.pad`. A square image that already has this size is returned as it is. The image must be one of
    /// [`image_of`](Self::image_of), or of three channels.
    pub fn fit<'a>(&self, image: &'a RgbImage) -> Cow<'a, RgbImage> {
        let (width, height) = self.dimensions(image);
        let [size, resized] = [self.size, self.resized].map(|side| side as u32); // `check` bounds them
        if (width, height) == (size, size) && (resized == size || self.fit != Fit::Crop) {
            return Cow::Borrowed(image);
        }
        let fitted = |image: &RgbImage, border: image::Rgb<u8>| match self.fit {
            Fit::Crop => resize::to_square(image, size, resized, self.interpolation),
            Fit::Squeeze => resize::squeezed(image, size, self.interpolation),
            Fit::Pad => resize::padded(image, size, border, self.interpolation),
        };
        let keeps_its_size = match self.fit {
            Fit::Crop => width.min(height) == resized,
            Fit::Squeeze => false,
            Fit::Pad => width.max(height) == size,
        };
        let (border, opaque) = self.border();
        Cow::Owned(match self.channels {
            Channels::Grey | Channels::Rgb => fitted(image, border),
            Channels::Rgba { .. } if keeps_its_size => {
                let (colours, opacity) = channels::halves(image);
                channels::below(&fitted(&colours, border), &fitted(&opacity, opaque))
            }
            Channels::Rgba { .. } => channels::resized_with_opacity(image, (border, opaque), fitted),
        })
    }

    /// The colour and the opacity of the mean, which are 0 when they are normalised, but for rounding.
    fn border(&self) -> (image::Rgb<u8>, image::Rgb<u8>) {
        // A cast rounds to the nearest number of the type where it is out of range.
        let byte = |mean: f32| (mean * 255.0).round() as u8;
        let colour = match self.channels {
            Channels::Grey => [byte(self.mean.iter().sum::<f32>() / 3.0); 3],
            Channels::Rgb | Channels::Rgba { .. } => self.mean.map(byte),
        };
        (image::Rgb(colour), image::Rgb([byte(self.channels.alpha_mean()); 3]))
    }

    /// The pixels of a sample with the channels of a view, in the sample's own size. A view with opacity is kept as two images, one below the
    /// other: colours, and opacity as grey.
    ///
    /// # Errors
    /// The reason, in words, why they can't be read.
    pub fn image_of<'a>(&self, sample: &'a Sample) -> std::result::Result<Cow<'a, RgbImage>, String> {
        match self.channels {
            Channels::Rgb => sample.image(),
            Channels::Grey => sample.image().map(|image| self.channels.of_opaque(image)),
            Channels::Rgba { .. } => sample.image_with_opacity(self.channels),
        }
    }

    /// The colours of an image of [`image_of`](Self::image_of), to be shown.
    pub fn shown<'a>(&self, image: &'a RgbImage) -> Cow<'a, RgbImage> {
        match self.channels {
            Channels::Grey | Channels::Rgb => Cow::Borrowed(image),
            Channels::Rgba { .. } => Cow::Owned(channels::halves(image).0),
        }
    }

    /// Width and height of an image of [`image_of`](Self::image_of), in pixels.
    pub fn dimensions(&self, image: &RgbImage) -> (u32, u32) {
        (image.width(), image.height() / self.channels.images() as u32)
    }

    /// The pixels of images as numbers, (value / 255 - mean) / std: `[N, height, width, C]`. The images may have any size, but all the
    /// same one.
    ///
    /// # Errors
    /// [`Error::Transform`] where their sizes differ.
    pub fn normalise(&self, images: &[&RgbImage]) -> Result<Batch> {
        let shape = shape_of(images, self.channels)?;
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

    /// `scale` and `bias` of each channel: a byte times its scale plus its bias is the number that [`normalise`](Self::normalise) makes
    /// of it, but for rounding.
    pub fn scale_and_bias(&self) -> (Vec<f32>, Vec<f32>) {
        let Normaliser { scale, bias, .. } = Normaliser::new(self);
        let count = self.channels.count();
        (scale[..count].to_vec(), bias[..count].to_vec())
    }

    /// The number of values of a view.
    pub(crate) fn view_length(&self) -> usize {
        self.size * self.size * self.channels.count()
    }

    /// The number of bytes of the fitted image that a view is made of.
    pub(crate) fn image_length(&self) -> usize {
        self.channels.images() * self.plane_length()
    }

    /// The number of bytes of a fitted RGB image.
    fn plane_length(&self) -> usize {
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

    /// Writes all numbers of one view, `[size, size, C]`, of a fitted image.
    pub(crate) fn write_view(
        &self,
        pixels: &[u8],
        recipe: Recipe,
        normaliser: &Normaliser,
        view: &mut [MaybeUninit<f32>],
    ) {
        let row_length = self.size * 3;
        assert!(
            pixels.len() == self.image_length() && view.len() == self.view_length(),
            "a number for each byte of a channel"
        );
        if recipe == self.straight() {
            return normaliser.apply(pixels, view);
        }
        let Recipe { way, operations } = recipe;
        if operations == UNCHANGED && self.channels == Channels::Rgb {
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

    /// Writes all bytes of one view, `[size, size, C]`, of a fitted image.
    pub(crate) fn write_bytes(&self, pixels: &[u8], recipe: Recipe, view: &mut [u8]) {
        assert!(
            pixels.len() == self.image_length() && view.len() == self.view_length(),
            "a byte for each of a channel's"
        );
        let changed = match recipe == self.straight() {
            true => Cow::Borrowed(pixels),
            false => Cow::Owned(self.changed(pixels, recipe)),
        };
        if self.channels == Channels::Rgb {
            return view.copy_from_slice(&changed);
        }
        let mut places = view.iter_mut();
        channels::each_channel(self.channels, &changed, |byte, _| {
            if let Some(place) = places.next() {
                *place = byte;
            }
        });
    }

    /// A view of a fitted image, in as many bytes. Opacity moves as the colours do, and is changed by nothing else.
    fn changed(&self, pixels: &[u8], Recipe { way, operations }: Recipe) -> Vec<u8> {
        let (colours, opacity) = pixels.split_at(self.plane_length());
        let mut changed = self.changed_plane(colours, way, &operations);
        if self.channels.images() == 2 {
            let moves =
                operations.map(|operation| if operation.moves() { operation } else { Operation::Identity });
            changed.extend(self.changed_plane(opacity, way, &moves));
        }
        changed
    }

    fn changed_plane(&self, pixels: &[u8], way: Way, operations: &[Operation]) -> Vec<u8> {
        let side = self.size as u32; // `check` bounds it
        let mut image = RgbImage::new(side, side);
        let rows = image.chunks_exact_mut(self.size * 3);
        rows.enumerate().for_each(|(y, row)| self.write_row(pixels, way, y, row));
        operations.iter().for_each(|operation| operation.apply(&mut image));
        image.into_raw()
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
    channels: Channels,
    scale: [f32; LANES],
    bias: [f32; LANES],
}

/// A multiple of 3 channels and of the width of vector registers: 16 pixels.
const LANES: usize = 48;

impl Normaliser {
    pub(crate) fn new(transform: &Transform) -> Self {
        let (channels, count) = (transform.channels, transform.channels.count());
        let average = |of: [f32; 3]| (of.iter().map(|value| f64::from(*value)).sum::<f64>() / 3.0) as f32;
        let of_channel = |of: [f32; 3], alpha: fn(Channels) -> f32, channel: usize| match channels {
            Channels::Grey => average(of),
            _ => of.get(channel).copied().unwrap_or(alpha(channels)),
        };
        let mean = |lane: usize| of_channel(transform.mean, Channels::alpha_mean, lane % count);
        let std = |lane: usize| of_channel(transform.std, Channels::alpha_std, lane % count);
        Self {
            channels,
            scale: std::array::from_fn(|lane| 1.0 / (255.0 * std(lane))),
            bias: std::array::from_fn(|lane| -mean(lane) / std(lane)),
        }
    }

    /// Writes a number for each byte of a channel; `bytes` are those of an image as it is kept.
    fn apply(&self, bytes: &[u8], numbers: &mut [MaybeUninit<f32>]) {
        if self.channels != Channels::Rgb {
            return self.apply_to_other(bytes, numbers);
        }
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
    /// [`Normaliser::apply`] for other channels than red, green and blue.
    fn apply_to_other(&self, bytes: &[u8], numbers: &mut [MaybeUninit<f32>]) {
        let pixels = bytes.len() / (3 * self.channels.images());
        assert_eq!(pixels * self.channels.count(), numbers.len());
        let mut places = numbers.iter_mut();
        channels::each_channel(self.channels, bytes, |byte, channel| {
            if let Some(place) = places.next() {
                place.write(f32::from(byte) * self.scale[channel] + self.bias[channel]);
            }
        });
    }
}
