//! The strength of an operation. A policy gives it as a bin, from 0 (no change) to the largest that AutoAugment's authors allowed.
//!
//! Source: `_augmentation_space` of torchvision's `AutoAugment` and `RandAugment`. There magnitudes are f32, here f64.

use super::Operation;

/// An operation without its magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
    Invert,
}

/// The largest translation of a view as a share of its side: 150 of 331, as for ImageNet in AutoAugment's experiments.
const TRANSLATION: f64 = 150.0 / 331.0;

/// A magnitude of a policy: `bin`, counted from 0, of `bins`, for views of `side` pixels; and the sign, for operations that have
/// one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Magnitude {
    pub(super) bin: usize,
    pub(super) bins: usize,
    pub(super) side: usize,
    pub(super) negative: bool,
}

impl Magnitude {
    /// The value of the bin, where bins are spread evenly from `none` to `most`.
    fn between(self, none: f64, most: f64) -> f64 {
        none + (most - none) * self.bin as f64 / (self.bins - 1) as f64
    }

    /// The value of the bin from 0 to `most`, or to its negative.
    fn signed(self, most: f64) -> f64 {
        let magnitude = self.between(0.0, most);
        if self.negative { -magnitude } else { magnitude }
    }

    /// The factor of a blend, from 1 (the image itself) to 1.9 or 0.1.
    fn factor(self) -> f32 {
        (1.0 + self.signed(0.9)) as f32
    }

    /// The translation in whole pixels.
    fn pixels(self) -> i32 {
        self.signed(TRANSLATION * self.side as f64) as i32
    }

    /// The operation of this kind with this magnitude.
    pub(super) fn of(self, kind: Kind) -> Operation {
        match kind {
            Kind::Identity => Operation::Identity,
            Kind::ShearX => Operation::ShearX(self.signed(0.3)),
            Kind::ShearY => Operation::ShearY(self.signed(0.3)),
            Kind::TranslateX => Operation::TranslateX(self.pixels()),
            Kind::TranslateY => Operation::TranslateY(self.pixels()),
            Kind::Rotate => Operation::Rotate(self.signed(30.0)),
            Kind::Brightness => Operation::Brightness(self.factor()),
            Kind::Color => Operation::Color(self.factor()),
            Kind::Contrast => Operation::Contrast(self.factor()),
            Kind::Sharpness => Operation::Sharpness(self.factor()),
            Kind::Posterize => Operation::Posterize(self.between(8.0, 4.0).round_ties_even() as u8),
            Kind::Solarize => Operation::Solarize(self.between(255.0, 0.0)),
            Kind::AutoContrast => Operation::AutoContrast,
            Kind::Equalize => Operation::Equalize,
            Kind::Invert => Operation::Invert,
        }
    }
}
