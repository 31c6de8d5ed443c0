//! The published members of the family, by name.

use effnet_ops::Padding;

use crate::arch::{Arch, ClassifierKind, RGB, Variant};
use crate::arch_name::{ArchName, nearest};
use crate::error::{Error, Result};
use crate::preprocessing::{Interpolation, Preprocessing};
use crate::scaling::Scaling;
use crate::table;

/// Width, depth, input side and dropout of a member; drop path is 0.2 for all.
type Member = (f64, f64, usize, f64);

/// B0-B7, in this order (the reference implementation's `efficientnet_params`).
const BASE: [Member; 8] = [
    (1.0, 1.0, 224, 0.2),
    (1.0, 1.1, 240, 0.2),
    (1.1, 1.2, 260, 0.3),
    (1.2, 1.4, 300, 0.3),
    (1.4, 1.8, 380, 0.4),
    (1.6, 2.2, 456, 0.4),
    (1.8, 2.6, 528, 0.5),
    (2.0, 3.1, 600, 0.5),
];

/// Lite0-4 (the reference implementation's `efficientnet_lite_params`).
const LITE: [Member; 5] = [
    (1.0, 1.0, 224, 0.2),
    (1.0, 1.1, 240, 0.2),
    (1.1, 1.2, 260, 0.3),
    (1.2, 1.4, 280, 0.3),
    (1.4, 1.8, 300, 0.3),
];

/// Share of the short side that TensorFlow's members see: 32 pixels less than all, as timm rounds it.
const CROPS: [f64; 8] = [0.875, 0.882, 0.890, 0.904, 0.922, 0.934, 0.942, 0.949];
/// As [`CROPS`], of timm's plain members.
const PLAIN_CROPS: [f64; 8] = [0.875, 0.9, 0.875, 0.875, 0.875, 1.0, 0.942, 0.949];

/// Drop path of every published member (Tan & Le, section 5.2: survival probability 0.8).
const DROP_PATH: f64 = 0.2;

/// The preprocessing to -1..1, or ImageNet's.
fn half(yes: bool) -> Preprocessing {
    if yes { Preprocessing::HALF } else { Preprocessing::IMAGENET }
}

impl Arch {
    /// An architecture by its published name.
    ///
    /// | name | flavour |
    /// |---|---|
    /// | `b0`..`b7`, `efficientnet_b0`.. | timm: symmetric padding, eps 1e-5 |
    /// | `tf_efficientnet_b0`.. | TensorFlow's: SAME padding, eps 1e-3 |
    /// | `efficientnet_lite0`..`4` | efficientnet_lite_pytorch's: SAME padding of the published size, eps 1e-3, momentum 0.01 |
    /// | `tf_efficientnet_lite0`.. | TensorFlow's in timm: SAME padding, eps 1e-3, momentum 0.1 |
    ///
    /// Letters may be capital, a dash or nothing may stand for the `_`, and `efficientnet_` may be left out: `EfficientNet-B0`, `lite0`.
    /// timm's tags may follow (`efficientnet_b0.ra4_e3600_r224_in1k`): those of weights which were trained on images
    /// in -1..1 set the preprocessing. What part of an image is seen is what timm's weights are tested on.
    ///
    /// # Errors
    /// [`Error::UnknownArch`], which lists the names, the nearest first.
    pub fn by_name(name: &str) -> Result<Self> {
        let unknown = || Error::UnknownArch {
            name: name.to_owned(),
            nearest: nearest(name),
            known: Self::names().join(", "),
        };
        let ArchName { is_tf, is_lite, number, tag } = ArchName::parse(name).ok_or_else(unknown)?;
        let members = if is_lite { &LITE[..] } else { &BASE[..] };
        let member = *members.get(number).ok_or_else(unknown)?;
        let kind = if is_lite { "lite" } else { "b" };
        let tf = if is_tf { "tf_" } else { "" };
        let arch = Self::timm(format!("{tf}efficientnet_{kind}{number}"), member);
        Ok(match (is_lite, is_tf) {
            (false, false) => arch.plain(number, &tag),
            (false, true) => arch.tensorflow(number, &tag),
            (true, false) => arch.lite(),
            (true, true) => arch.tensorflow_lite(number),
        })
    }

    fn plain(self, number: usize, tag: &str) -> Self {
        let ra4 = number < 2 && tag.starts_with("ra4");
        let crop = if ra4 { 0.9 } else { PLAIN_CROPS[number] };
        Self { preprocessing: Preprocessing { crop, ..half(ra4) }, ..self }
    }

    fn tensorflow(self, number: usize, tag: &str) -> Self {
        let preprocessing = Preprocessing { crop: CROPS[number], ..half(tag.starts_with("ap")) };
        Self { padding: Padding::Same, bn_eps: 1e-3, preprocessing, ..self }
    }

    fn lite(self) -> Self {
        Self {
            variant: Variant::Lite,
            padding: Padding::Fixed(self.size),
            bn_eps: 1e-3,
            bn_momentum: 0.01,
            preprocessing: Preprocessing::LITE,
            ..self
        }
    }

    fn tensorflow_lite(self, number: usize) -> Self {
        let interpolation = if number < 3 { Interpolation::Bicubic } else { Interpolation::Bilinear };
        let crop = if number < 4 { CROPS[number] } else { 0.92 };
        let preprocessing = Preprocessing { interpolation, crop, ..Preprocessing::HALF };
        // timm's are for larger images than the reference implementation's.
        let size = [224, 240, 260, 300, 380][number];
        Self { padding: Padding::Same, bn_momentum: 0.1, preprocessing, ..self.lite() }.with_size(size)
    }

    /// All names that [`Arch::by_name`] takes, but for the short ones and the tags.
    pub fn names() -> Vec<String> {
        let base = (0..BASE.len()).map(|i| format!("efficientnet_b{i}"));
        let tf = (0..BASE.len()).map(|i| format!("tf_efficientnet_b{i}"));
        let lite = (0..LITE.len()).map(|i| format!("efficientnet_lite{i}"));
        let tf_lite = (0..LITE.len()).map(|i| format!("tf_efficientnet_lite{i}"));
        base.chain(tf).chain(lite).chain(tf_lite).collect()
    }

    /// B0 scaled by any coefficients, in timm's flavour; small members have coefficients below one
    /// ([`Scaling::from_phi`] with phi below zero).
    pub fn scaled(scaling: Scaling) -> Self {
        let size = scaling.size(table::SIZE);
        let (_, _, _, dropout) = BASE[0];
        let (width, depth) = (scaling.width, scaling.depth);
        let b0 = Self::timm("efficientnet_b0".to_string(), (1.0, 1.0, size, dropout));
        Self { scaling, ..b0.with_scaling(width, depth) }
    }

    /// timm's plain flavour.
    fn timm(name: String, (width, depth, size, dropout): Member) -> Self {
        Self {
            name,
            variant: Variant::Base,
            scaling: Scaling { width, depth, resolution: size as f64 / table::SIZE as f64 },
            size,
            channels: RGB,
            stem_stride: 2,
            padding: Padding::Symmetric,
            bn_eps: 1e-5,
            bn_momentum: 0.1,
            dropout,
            drop_path: DROP_PATH,
            preprocessing: Preprocessing::IMAGENET,
            classifier: ClassifierKind::Linear,
        }
    }
}
