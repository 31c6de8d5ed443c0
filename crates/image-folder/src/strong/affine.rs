//! Operations that move pixels. Each place gets the pixel at the place to which an affine map sends it, or black.
//!
//! Source: Pillow's `Image.transform` with `AFFINE` and `NEAREST`, the maps as torchvision's `affine` and Pillow's `rotate` make them.

use std::cell::RefCell;

use image::RgbImage;

/// The place that a pixel is taken from: x' = a x + b y + c, y' = d x + e y + f, for the centres of pixels.
pub(super) struct Affine {
    x: [f64; 3],
    y: [f64; 3],
}

impl Affine {
    /// A shear around the upper left corner: x' = x + by\[0\] y, y' = by\[1\] x + y.
    pub(super) fn shear(by: [f64; 2]) -> Self {
        Self { x: [1.0, by[0], 0.0], y: [by[1], 1.0, 0.0] }
    }

    /// A translation to the right and down, in pixels.
    pub(super) fn translation(by: [i32; 2]) -> Self {
        let [right, down] = by.map(f64::from);
        Self { x: [1.0, 0.0, -right], y: [0.0, 1.0, -down] }
    }

    /// A counter-clockwise rotation around the centre of an image of this width and height.
    pub(super) fn rotation(degrees: f64, (width, height): (u32, u32)) -> Self {
        let (sin, cos) = (-degrees.to_radians()).sin_cos();
        let (x, y) = (f64::from(width) / 2.0, f64::from(height) / 2.0);
        Self { x: [cos, sin, x - cos * x - sin * y], y: [-sin, cos, y + sin * x - cos * y] }
    }
}

/// The number of fractional bits of a coordinate, as in Pillow for images below 32,768 pixels. With another number, pixels on an edge
/// between two would be taken from other places.
const FRACTION: u32 = 16;

/// Moves the pixels of an image by the map.
pub(super) fn apply(image: &mut RgbImage, map: &Affine) {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let fixed = |number: f64| (number * f64::from(1 << FRACTION) + 0.5).floor() as i64;
    let [[dx, dx_row, x0], [dy, dy_row, y0]] =
        [map.x, map.y].map(|[a, b, c]| [fixed(a), fixed(b), fixed(c + a * 0.5 + b * 0.5)]);
    let within = |fixed: i64, side: usize| usize::try_from(fixed >> FRACTION).ok().filter(|at| *at < side);
    with_copy(image, |old, new| {
        let (old, new) = (old.as_chunks::<3>().0, new.as_chunks_mut::<3>().0);
        for (row, line) in (0..).zip(new.chunks_exact_mut(width.max(1))) {
            let (mut x, mut y) = (x0 + row * dx_row, y0 + row * dy_row);
            for pixel in line {
                let place = within(x, width).zip(within(y, height));
                *pixel = place.map_or([0; 3], |(x, y)| old[y * width + x]);
                (x, y) = (x + dx, y + dy);
            }
        }
    });
}

/// Calls `write` with a copy of the image, and with the image itself to write to.
pub(super) fn with_copy(image: &mut RgbImage, write: impl FnOnce(&[u8], &mut [u8])) {
    thread_local!(static COPY: RefCell<Vec<u8>> = RefCell::default()); // a thread uses it again for its next image
    COPY.with_borrow_mut(|copy| {
        copy.clear();
        copy.extend_from_slice(image);
        write(copy, image);
    });
}
