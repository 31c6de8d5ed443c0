//! What can be done to an image.

use image::RgbImage;

use super::affine::{self, Affine};
use super::{blend, table};

/// An operation of a policy with all that it depends on: the same operation makes the same image. Its size stays.
///
/// Where no pixel comes from, it is black. Pixels that move are not interpolated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// Nothing.
    Identity,
    /// Each row is taken from so many pixels further right for each pixel that it lies lower.
    ShearX(f64),
    /// Each column is taken from so many pixels further down for each pixel that it lies further right.
    ShearY(f64),
    /// Pixels to the right.
    TranslateX(i32),
    /// Pixels down.
    TranslateY(i32),
    /// Degrees counter-clockwise, around the middle.
    Rotate(f64),
    /// Each value times the factor: 0 is black, 1 the image.
    Brightness(f32),
    /// The distance of each value to the pixel's grey times the factor: 0 is grey, 1 the image.
    Color(f32),
    /// The distance of each value to the image's mean grey times the factor: 0 is that grey all over, 1 the image.
    Contrast(f32),
    /// The distance of each value to the smoothed image's times the factor: 0 is smoothed, 1 the image.
    Sharpness(f32),
    /// So many of each value's 8 bits are kept, the upper ones.
    Posterize(u8),
    /// Values from this threshold on become 255 less themselves.
    Solarize(f64),
    /// Each channel's values are spread over 0 to 255: its smallest becomes 0, its largest 255.
    AutoContrast,
    /// Each channel's values are moved so that all are about equally frequent.
    Equalize,
    /// Each value becomes 255 less itself.
    Invert,
}

impl Operation {
    /// Does it, to 8-bit RGB of any size.
    ///
    /// Source: torchvision's `_apply_op` on PIL images (`transforms/autoaugment.py`), without interpolation and `fill`.
    pub fn apply(self, image: &mut RgbImage) {
        match self {
            Self::Identity => {}
            Self::ShearX(by) => affine::apply(image, &Affine::shear([by, 0.0])),
            Self::ShearY(by) => affine::apply(image, &Affine::shear([0.0, by])),
            Self::TranslateX(by) => affine::apply(image, &Affine::translation([by, 0])),
            Self::TranslateY(by) => affine::apply(image, &Affine::translation([0, by])),
            Self::Rotate(degrees) => affine::apply(image, &Affine::rotation(degrees, image.dimensions())),
            Self::Brightness(factor) => blend::brightness(image, factor),
            Self::Color(factor) => blend::color(image, factor),
            Self::Contrast(factor) => blend::contrast(image, factor),
            Self::Sharpness(factor) => blend::sharpness(image, factor),
            Self::Posterize(bits) => table::posterize(image, bits),
            Self::Solarize(threshold) => table::solarize(image, threshold),
            Self::AutoContrast => table::auto_contrast(image),
            Self::Equalize => table::equalize(image),
            Self::Invert => table::invert(image),
        }
    }
}
