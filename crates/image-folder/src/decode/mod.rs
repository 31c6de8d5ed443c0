//! The bytes of a file to 8-bit RGB.
//!
//! The content decides the format, not the ending. Grey becomes RGB, 16 bits become 8, transparent pixels are put on white, and
//! the orientation in a camera's metadata is applied. The first frame of an animation is decoded.

mod complete;
mod other;

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbImage, RgbaImage};

use crate::{Error, LeftKind, Result};

/// The largest image that is decoded. It is checked from the image's header, before any pixel is decoded, so that a
/// small file can't fill the memory (a "decompression bomb").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest number of pixels, width times height.
    pub max_pixels: u64,
    /// The largest size of a file, in bytes.
    pub max_bytes: u64,
}

impl Default for Limits {
    /// 100 megapixels, as many as the largest cameras have, and 512 MiB.
    fn default() -> Self {
        Self { max_pixels: 100_000_000, max_bytes: 512 << 20 }
    }
}

impl Limits {
    /// Bytes for the key of a cache, in which images that are too large are missing; none for the default limits.
    pub fn key(&self) -> Vec<u8> {
        match *self == Self::default() {
            true => Vec::new(),
            false => [self.max_pixels, self.max_bytes].into_iter().flat_map(u64::to_le_bytes).collect(),
        }
    }
}

/// The image that these bytes of a JPEG, PNG, WebP, BMP, GIF or TIFF file hold, as 8-bit RGB.
///
/// # Errors
/// [`Error::Decode`] where the bytes are none of these formats, broken, cut off, or over the limits.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage> {
    try_decode(bytes, limits).map(to_rgb).map_err(Error::Decode)
}

/// The image in a file, decoded as [`decode`] does.
///
/// # Errors
/// [`Error::Image`], which names the path, for a file that can't be read or decoded.
pub fn load(path: &Path, limits: &Limits) -> Result<RgbImage> {
    try_load(path, limits).map_err(|reason| Error::Image { path: path.display().to_string(), reason })
}

pub(crate) fn try_load(path: &Path, limits: &Limits) -> std::result::Result<RgbImage, String> {
    try_load_as(path, limits, to_rgb)
}

/// [`try_load`] with the opacity of each pixel, which lies on nothing.
pub(crate) fn try_load_with_opacity(path: &Path, limits: &Limits) -> std::result::Result<RgbaImage, String> {
    try_load_as(path, limits, DynamicImage::into_rgba8)
}

fn try_load_as<T>(
    path: &Path,
    limits: &Limits,
    made: fn(DynamicImage) -> T,
) -> std::result::Result<T, String> {
    let cannot = |error: std::io::Error| format!("can't be read: {error}");
    // A pipe without a writer would be waited for forever: what is no file is not opened.
    let about = fs::metadata(path).map_err(cannot)?;
    if let Some(kind) = LeftKind::special(about.file_type()) {
        return Err(format!("it {}", kind.in_words()));
    }
    let file = File::open(path).map_err(cannot)?;
    let length = about.len();
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(limits.max_bytes)).unwrap_or(0) + 1);
    // One byte over the limit is enough to refuse the file, also one that grows or has no known length.
    file.take(limits.max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(cannot)?;
    try_decode(&bytes, limits).map(made)
}

/// The image in the bytes of a file.
pub(crate) fn try_decode(bytes: &[u8], limits: &Limits) -> std::result::Result<DynamicImage, String> {
    if bytes.len() as u64 > limits.max_bytes {
        return Err(format!("the file is larger than {} bytes", limits.max_bytes));
    }
    // A decoder that panics on a broken file must lose that image only, and not the program.
    catch_unwind(AssertUnwindSafe(|| decode_by_content(bytes, limits)))
        .unwrap_or_else(|_| Err("its decoder failed".to_owned()))
}

fn decode_by_content(bytes: &[u8], limits: &Limits) -> std::result::Result<DynamicImage, String> {
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    let no_image = || other::in_words(bytes);
    let format = image::guess_format(bytes).map_err(|_| no_image())?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut memory = image::Limits::no_limits();
    // A decoder holds the pixels, at most 8 bytes each, about twice.
    memory.max_alloc = Some(limits.max_pixels.saturating_mul(16).saturating_add(64 << 20));
    reader.limits(memory);
    let mut decoder = reader.into_decoder().map_err(|error| match error {
        ImageError::Unsupported(_) if !format.reading_enabled() => no_image(),
        error => in_words(format, &error),
    })?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limits.max_pixels {
        let most = limits.max_pixels;
        return Err(format!("{width} x {height} pixels are more than the {most} that max-pixels allows"));
    }
    if pixels == 0 {
        return Err("it has no pixels".to_owned());
    }
    // The JPEG decoder paints the missing part grey and reports no error.
    if format == ImageFormat::Jpeg && !complete::jpeg_is_complete(bytes) {
        return Err("the JPEG is cut off: it has no end".to_owned());
    }
    let orientation = decoder.orientation().map_err(|error| in_words(format, &error))?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| in_words(format, &error))?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn in_words(format: ImageFormat, error: &ImageError) -> String {
    if let ImageError::Unsupported(kind) = error {
        return format!("{format:?} of a kind that is not read ({kind}): convert it to PNG");
    }
    format!("broken {format:?}: {error}")
}

/// The colours of an image, which lies on white where it is not opaque.
pub(crate) fn to_rgb(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    let (width, height) = image.dimensions();
    RgbImage::from_fn(width, height, |x, y| {
        let [r, g, b, alpha] = image.get_pixel(x, y).0;
        image::Rgb([r, g, b].map(|value| over_white(value, alpha)))
    })
}

/// The colour of `value` at opacity `alpha` on white, rounded.
fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparency_lies_on_white() {
        assert_eq!(over_white(10, 0), 255);
        assert_eq!(over_white(10, 255), 10);
        assert_eq!(over_white(0, 128), 127);
    }
}
