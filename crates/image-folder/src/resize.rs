//! Images resized and cropped to squares, as by Pillow and torchvision.

use std::cell::RefCell;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{Rgb, RgbImage};

/// The filter that resizes an image. When an image shrinks, both filters become wider (antialiasing), as Pillow's
/// filters of these names do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interpolation {
    /// The triangle filter.
    Bilinear,
    /// The cubic filter with a = -0.5.
    Bicubic,
}

/// The middle `size` x `size` pixels of the image after its short side is resized to `resized`. Only these pixels are computed.
pub(crate) fn to_square(image: &RgbImage, size: u32, resized: u32, interpolation: Interpolation) -> RgbImage {
    let (width, height) = image.dimensions();
    let short = width.min(height);
    let part = [span(width, short, size, resized), span(height, short, size, resized)];
    part_to(image, part, [size; 2], interpolation)
}

/// The whole image as `size` x `size` pixels, as by Pillow's `resize`: it is squeezed where it is not square.
pub(crate) fn squeezed(image: &RgbImage, size: u32, interpolation: Interpolation) -> RgbImage {
    whole_to(image, [size; 2], interpolation)
}

/// The whole image in the middle of `size` x `size` pixels of a colour, as by Pillow's `ImageOps.pad`: its long side becomes `size`.
pub(crate) fn padded(image: &RgbImage, size: u32, colour: Rgb<u8>, interpolation: Interpolation) -> RgbImage {
    let (width, height) = image.dimensions();
    let long = width.max(height);
    let inner = [width, height].map(|side| {
        // Pillow divides first, and rounds half to even.
        let side = (f64::from(side) / f64::from(long) * f64::from(size)).round_ties_even();
        (side as u32).clamp(1, size)
    });
    let image = whole_to(image, inner, interpolation);
    let mut square = RgbImage::from_pixel(size, size, colour);
    let [left, top] = inner.map(|side| (f64::from(size - side) * 0.5).round_ties_even() as i64);
    image::imageops::replace(&mut square, &image, left, top);
    square
}

fn whole_to(image: &RgbImage, size: [u32; 2], interpolation: Interpolation) -> RgbImage {
    let (width, height) = image.dimensions();
    if [width, height] == size {
        return image.clone();
    }
    part_to(image, [(0.0, f64::from(width)), (0.0, f64::from(height))], size, interpolation)
}

/// A part of an image (start and length across and down) as so many pixels across and down.
///
/// Rows are resized before columns, each time to whole bytes, as Pillow does. fast_image_resize alone resizes
/// columns first, which differs by up to 11 of 255 at sharp edges, where a cubic overshoots.
fn part_to(
    image: &RgbImage,
    [(left, across), (top, down)]: [(f64, f64); 2],
    [columns, lines]: [u32; 2],
    interpolation: Interpolation,
) -> RgbImage {
    let (width, height) = image.dimensions();
    // The rows that the second pass uses: a cubic filter extends two pixels of the smaller image.
    let reach = 2.0 * (down / f64::from(lines)).max(1.0) + 1.0;
    let first = (top - reach).floor().max(0.0);
    let rows = (top + down + reach).ceil().min(f64::from(height)) - first;
    let filter = match interpolation {
        Interpolation::Bilinear => FilterType::Bilinear,
        Interpolation::Bicubic => FilterType::CatmullRom,
    };
    let mut part = RgbImage::new(columns, lines);
    WORKSPACE.with_borrow_mut(|Workspace { resizer, along_rows }| {
        along_rows.resize(columns as usize * rows as usize * 3, 0);
        let source = View { pixels: image.as_raw(), width, height };
        let target = ViewMut { pixels: along_rows, width: columns, height: rows as u32 };
        resize(resizer, source, target, filter, [left, first, across, rows]);
        let source = View { pixels: along_rows, width: columns, height: rows as u32 };
        let target = ViewMut { pixels: &mut part, width: columns, height: lines };
        resize(resizer, source, target, filter, [0.0, top - first, f64::from(columns), down]);
    });
    part
}

thread_local!(static WORKSPACE: RefCell<Workspace> = RefCell::default());

/// The buffers that a thread uses again for its next image.
#[derive(Default)]
struct Workspace {
    resizer: Resizer,
    /// The image after the first pass.
    along_rows: Vec<u8>,
}

/// An image of three bytes a pixel.
struct View<'a> {
    pixels: &'a [u8],
    width: u32,
    height: u32,
}

struct ViewMut<'a> {
    pixels: &'a mut [u8],
    width: u32,
    height: u32,
}

/// Resizes a part (left, top, width, height) of an image.
fn resize(resizer: &mut Resizer, source: View<'_>, target: ViewMut<'_>, filter: FilterType, part: [f64; 4]) {
    let [left, top, width, height] = part;
    let options =
        ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).crop(left, top, width, height);
    // The images are typed, because the untyped call would compile the filters for all pixel types, which takes minutes.
    let source = TypedImageRef::<U8x3>::from_buffer(source.width, source.height, source.pixels)
        .expect("three bytes a pixel");
    let mut target = TypedImage::<U8x3>::from_buffer(target.width, target.height, target.pixels)
        .expect("three bytes a pixel");
    resizer.resize_typed(&source, &mut target, &options).expect("the part lies inside the image");
}

/// The start and length of the part of a side of `length` pixels that becomes `size` pixels when the `short` side becomes `resized`.
/// It is rounded as by torchvision: the resized side is rounded down to whole pixels, and half a pixel of the crop's
/// corner to the even side.
fn span(length: u32, short: u32, size: u32, resized: u32) -> (f64, f64) {
    if length == short && size == resized {
        return (0.0, f64::from(length));
    }
    let resized = u64::from(resized) * u64::from(length) / u64::from(short);
    let spare = resized - u64::from(size);
    let corner = spare / 2 + u64::from(spare % 4 == 3);
    let scale = f64::from(length) / resized as f64;
    let start = corner as f64 * scale;
    (start, (f64::from(size) * scale).min(f64::from(length) - start))
}
