//! The operations of the policies.

use image::RgbImage;

use super::affine::{self, Affine};
use super::{blend, table};

/// An operation of a policy with all of its parameters: it is deterministic, and keeps the size of the image.
///
/// Pixels that come from outside of the image are black. Pixels that move are not interpolated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// The image stays as it is.
    Identity,
    /// Each row is taken this many pixels further right for each pixel that it is lower.
    ShearX(f64),
    /// Each column is taken this many pixels further down for each pixel that it is further right.
    ShearY(f64),
    /// The image moves this many pixels to the right.
    TranslateX(i32),
    /// The image moves this many pixels down.
    TranslateY(i32),
    /// The image is rotated by this many degrees counter-clockwise around its centre.
    Rotate(f64),
    /// Each value is multiplied by the factor: 0 gives black, 1 the image.
    Brightness(f32),
    /// The distance of each value from the pixel's grey is multiplied by the factor: 0 gives a grey image, 1 the image.
    Color(f32),
    /// The distance of each value from the image's mean grey is multiplied by the factor: 0 gives that grey everywhere, 1 the image.
    Contrast(f32),
    /// The distance of each value from the smoothed image's is multiplied by the factor: 0 gives the smoothed image, 1 the image.
    Sharpness(f32),
    /// The upper bits of each value are kept, this many of its 8.
    Posterize(u8),
    /// Each value that is not below this threshold becomes 255 less the value.
    Solarize(f64),
    /// Each channel is stretched to 0..=255: its smallest value becomes 0, its largest 255.
    AutoContrast,
    /// Each channel's histogram is equalised.
    Equalize,
    /// Each value becomes 255 less the value.
    Invert,
}

impl Operation {
    /// Whether pixels move, and not their values alone change.
    pub(crate) fn moves(&self) -> bool {
        matches!(
            self,
            Self::ShearX(_) | Self::ShearY(_) | Self::TranslateX(_) | Self::TranslateY(_) | Self::Rotate(_)
        )
    }

    /// Applies the operation to an 8-bit RGB image of any size.
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
