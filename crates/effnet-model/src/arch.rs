//! An architecture: everything but the weights that decides what a network computes.

use candle_core::Tensor;
use effnet_ops::{Activation, Padding};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::scaling::Scaling;
use crate::table;

/// Which table the scaling is applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// B0's: squeeze and excitation, swish.
    Base,
    /// EfficientNet-Lite: neither; ReLU6, and stem, head and the repeats of the first and last stage unscaled.
    Lite,
}

/// What stands between the global feature and the logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassifierKind {
    /// Dropout, linear: the published one.
    Linear,
    /// Dropout, linear to `hidden`, batch norm, swish, linear: a head to train on a frozen body.
    Mlp {
        /// Width between.
        hidden: usize,
    },
}

/// How an image was resized when the weights were trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// Linear in both directions.
    Bilinear,
    /// Cubic in both directions.
    Bicubic,
}

/// What is done to an image's values, which are in 0..1, and how it is resized: (value - mean) / std a channel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Red, green, blue.
    pub mean: [f32; 3],
    /// Red, green, blue.
    pub std: [f32; 3],
    /// Resampling filter.
    pub interpolation: Interpolation,
    /// Share of the resized image's short side that is kept, above 0 and at most 1: the middle.
    #[serde(default = "whole")]
    pub crop: f64,
}

/// What files say that don't speak of it.
fn whole() -> f64 {
    1.0
}

impl Preprocessing {
    /// Mean and standard deviation of ImageNet.
    pub const IMAGENET: Self = Self {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
        interpolation: Interpolation::Bicubic,
        crop: 1.0,
    };
    /// -1..1: timm's `ra4` weights of B0 and B1, and `tf_*.ap`.
    pub const HALF: Self = Self { mean: [0.5; 3], std: [0.5; 3], ..Self::IMAGENET };
    /// EfficientNet-Lite's (v - 127) / 128 on 0..255.
    pub const LITE: Self = Self { mean: [127.0 / 255.0; 3], std: [128.0 / 255.0; 3], ..Self::IMAGENET };

    /// What an image's short side is resized to, of which the middle `size` pixels are kept: floor(size / crop), as timm has it.
    ///
    /// ```
    /// let b0 = effnet_model::Arch::by_name("b0")?;
    /// assert_eq!(b0.preprocessing.resized(224), 256);
    /// # Ok::<(), effnet_model::Error>(())
    /// ```
    pub fn resized(&self, size: usize) -> usize {
        // A crop that is a ratio of whole sides gives them back.
        (size as f64 / self.crop + 1e-6) as usize
    }

    /// (values - mean) / std: [..., 3] in 0..1 -> [..., 3].
    ///
    /// # Errors
    /// If the last dimension is not 3.
    pub fn normalise(&self, values: &Tensor) -> candle_core::Result<Tensor> {
        let of = |numbers: &[f32; 3]| Tensor::new(numbers, values.device());
        values.broadcast_sub(&of(&self.mean)?)?.broadcast_div(&of(&self.std)?)
    }

    /// Whether images can be made ready by it; if not, why.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { mean, std, crop, .. } = self;
        let usable = |(mean, std): (&f32, &f32)| {
            *std > 0.0 && std.is_finite() && [0.0, 1.0].iter().all(|value| ((value - mean) / std).is_finite())
        };
        if !mean.iter().zip(std).all(usable) {
            return Err(format!("mean {mean:?} and std {std:?} must be numbers, the latter above 0"));
        }
        match *crop > 0.0 && *crop <= 1.0 {
            true => Ok(()),
            false => Err(format!("crop {crop} must be above 0 and at most 1")),
        }
    }
}

/// An architecture: B0's table, how it is scaled, and the numbers in which published flavours differ.
///
/// The `with_` functions take any value; what can't be built is refused by [`Arch::check`], which
/// [`crate::EfficientNet::new`] calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arch {
    /// timm's name of the member it comes from.
    pub name: String,
    /// Base or Lite.
    pub variant: Variant,
    /// Coefficients on B0's table.
    pub scaling: Scaling,
    /// Side of the input images, pixels. The network takes any size; this one the weights are for.
    pub size: usize,
    /// Stride of the stem convolution: 2 as published, 1 for images of 32 pixels.
    pub stem_stride: usize,
    /// Padding of the convolutions; one that is fixed, of the stem, for images of this side.
    #[serde(with = "PaddingName")]
    pub padding: Padding,
    /// Added to the variance in batch norm.
    pub bn_eps: f64,
    /// Share of the new batch in the running statistics.
    pub bn_momentum: f64,
    /// Rate of dropout before the classifier.
    pub dropout: f64,
    /// Rate of drop path of the last block; that of block i of n is this times i / n.
    pub drop_path: f64,
    /// What to do to images first.
    pub preprocessing: Preprocessing,
    /// The classifier.
    pub classifier: ClassifierKind,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Padding", rename_all = "lowercase")]
enum PaddingName {
    Symmetric,
    Same,
    Fixed(usize),
}

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

/// Coefficients above this are refused: B7 has 2.0 and 3.1, and memory grows with their product.
const LARGEST_COEFFICIENT: f64 = 16.0;
/// Sides above this are refused.
const LARGEST_SIZE: usize = 8192;
/// Widths of a hidden classifier layer above this are refused.
const LARGEST_HIDDEN: usize = 1 << 20;

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
    /// timm's tags may follow (`efficientnet_b0.ra4_e3600_r224_in1k`): those of weights which were trained on images
    /// in -1..1 set the preprocessing. What part of an image is seen is what timm's weights are tested on.
    ///
    /// # Errors
    /// [`Error::UnknownArch`], which lists the names.
    pub fn by_name(name: &str) -> Result<Self> {
        let (stem, tag) = name.split_once('.').unwrap_or((name, ""));
        let numbered = |prefix: &str, members: &[Member]| {
            let digit = stem.strip_prefix(prefix)?;
            let index: usize = (digit.len() == 1).then(|| digit.parse().ok())??;
            members.get(index).map(|member| (index, *member))
        };
        let half = |yes: bool| if yes { Preprocessing::HALF } else { Preprocessing::IMAGENET };
        if let Some((index, member)) = numbered("efficientnet_b", &BASE).or_else(|| numbered("b", &BASE)) {
            let ra4 = index < 2 && tag.starts_with("ra4");
            let crop = if ra4 { 0.9 } else { PLAIN_CROPS[index] };
            let preprocessing = Preprocessing { crop, ..half(ra4) };
            return Ok(Self { preprocessing, ..Self::timm(format!("efficientnet_b{index}"), member) });
        }
        if let Some((index, member)) = numbered("tf_efficientnet_b", &BASE) {
            return Ok(Self {
                padding: Padding::Same,
                bn_eps: 1e-3,
                preprocessing: Preprocessing { crop: CROPS[index], ..half(tag.starts_with("ap")) },
                ..Self::timm(format!("tf_efficientnet_b{index}"), member)
            });
        }
        let lite = |name: String, member, padding, bn_momentum, preprocessing| Self {
            variant: Variant::Lite,
            padding,
            bn_eps: 1e-3,
            bn_momentum,
            preprocessing,
            ..Self::timm(name, member)
        };
        if let Some((index, member)) = numbered("efficientnet_lite", &LITE) {
            let (_, _, size, _) = member;
            let padding = Padding::Fixed(size);
            return Ok(lite(format!("efficientnet_lite{index}"), member, padding, 0.01, Preprocessing::LITE));
        }
        if let Some((index, member)) = numbered("tf_efficientnet_lite", &LITE) {
            let name = format!("tf_efficientnet_lite{index}");
            let interpolation = if index < 3 { Interpolation::Bicubic } else { Interpolation::Bilinear };
            let crop = if index < 4 { CROPS[index] } else { 0.92 };
            let preprocessing = Preprocessing { interpolation, crop, ..Preprocessing::HALF };
            // timm's are for larger images than the reference implementation's.
            let size = [224, 240, 260, 300, 380][index];
            return Ok(lite(name, member, Padding::Same, 0.1, preprocessing).with_size(size));
        }
        Err(Error::UnknownArch { name: name.to_string(), known: Self::names().join(", ") })
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

    /// Multiplies the width and depth coefficients.
    ///
    /// A member made smaller drops less, in proportion to width times depth: the family raises dropout with the network
    /// (0.2 for B0, 0.5 for B7), and small networks that drop as B0 does learn little from small sets.
    pub fn with_scaling(mut self, width: f64, depth: f64) -> Self {
        self.scaling.width *= width;
        self.scaling.depth *= depth;
        let smaller = (width * depth).min(1.0);
        self.dropout *= smaller;
        self.drop_path *= smaller;
        self
    }

    /// Stride of the stem, 1 or 2.
    pub fn with_stem_stride(self, stem_stride: usize) -> Self {
        Self { stem_stride, ..self }
    }

    /// Side of the input images, pixels.
    pub fn with_size(mut self, size: usize) -> Self {
        self.size = size;
        self.scaling.resolution = size as f64 / table::SIZE as f64;
        self
    }

    /// The kind of classifier.
    pub fn with_classifier(self, classifier: ClassifierKind) -> Self {
        Self { classifier, ..self }
    }

    /// All widths, kernels and strides.
    ///
    /// # Errors
    /// [`Error::InvalidArch`] as [`Arch::check`].
    pub fn plan(&self) -> Result<Plan> {
        self.check()?;
        Ok(Plan::new(self))
    }

    /// Number of trainable numbers with a classifier of so many classes, counted without building anything.
    ///
    /// # Errors
    /// [`Error::InvalidArch`] as [`Arch::check`].
    pub fn parameters(&self, classes: usize) -> Result<usize> {
        let plan = self.plan()?;
        Ok(plan.body_parameters() + self.classifier.parameters(plan.head, classes))
    }

    /// The activation function after batch norm.
    pub(crate) fn activation(&self) -> Activation {
        match self.variant {
            Variant::Base => Activation::Swish,
            Variant::Lite => Activation::Relu6,
        }
    }

    /// Whether a network can be built.
    ///
    /// # Errors
    /// [`Error::InvalidArch`] with the field, its value, and what it may be.
    pub fn check(&self) -> Result<()> {
        let coefficient = |v: f64| v > 0.0 && v <= LARGEST_COEFFICIENT;
        let rate = |v: f64| (0.0..1.0).contains(&v);
        let must = |holds: bool, reason: String| match holds {
            true => Ok(()),
            false => Err(Error::InvalidArch { name: self.name.clone(), reason }),
        };
        let scaling = &self.scaling;
        let range = format!("above 0 and at most {LARGEST_COEFFICIENT}");
        must(coefficient(scaling.width), format!("width {} must be {range}", scaling.width))?;
        must(coefficient(scaling.depth), format!("depth {} must be {range}", scaling.depth))?;
        let sizes = 1..=LARGEST_SIZE;
        must(sizes.contains(&self.size), format!("size {} must be 1 to {LARGEST_SIZE} pixels", self.size))?;
        must(matches!(self.stem_stride, 1 | 2), format!("stem stride {} must be 1 or 2", self.stem_stride))?;
        must(
            self.bn_eps > 0.0 && self.bn_eps < 1.0,
            format!("bn_eps {} must be between 0 and 1", self.bn_eps),
        )?;
        let momentum = self.bn_momentum;
        must((0.0..=1.0).contains(&momentum), format!("bn_momentum {momentum} must be 0 to 1"))?;
        must(rate(self.dropout), format!("dropout {} must be at least 0 and below 1", self.dropout))?;
        must(rate(self.drop_path), format!("drop path {} must be at least 0 and below 1", self.drop_path))?;
        self.preprocessing.check().or_else(|reason| must(false, reason))?;
        if let ClassifierKind::Mlp { hidden } = self.classifier {
            let widths = 1..=LARGEST_HIDDEN;
            must(widths.contains(&hidden), format!("hidden width {hidden} must be 1 to {LARGEST_HIDDEN}"))?;
        }
        let Padding::Fixed(nominal) = self.padding else { return Ok(()) };
        must(
            sizes.contains(&nominal),
            format!("padding is fixed for {nominal} pixels: 1 to {LARGEST_SIZE}"),
        )?;
        let smallest = self.smallest_size();
        let rule = format!("padding that is fixed for {nominal} pixels: take {smallest} or more");
        must(self.size >= smallest, format!("size {} is too small for {rule}", self.size))
    }
}
