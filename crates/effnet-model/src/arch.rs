//! An architecture: everything but the weights that decides what a network computes.

use effnet_ops::{Activation, Padding};
use serde::{Deserialize, Serialize};

use crate::preprocessing::Preprocessing;
use crate::scaling::Scaling;
use crate::table;

/// Channels of the published networks' images.
pub(crate) const RGB: usize = 3;

/// Which table the scaling is applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// B0's: squeeze and excitation, swish.
    Base,
    /// EfficientNet-Lite: neither; ReLU6, and stem, head and the repeats of the first and last stage unscaled.
    Lite,
}

/// The layers between the global feature and the logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassifierKind {
    /// Dropout, linear: the published one.
    Linear,
    /// Dropout, linear to `hidden`, batch norm, swish, linear: a head to train on a frozen backbone.
    Mlp {
        /// Width of the hidden layer.
        hidden: usize,
    },
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
    /// Channels of the input images: 3 (RGB), 1 (luma) or 4 (RGBA).
    #[serde(default = "rgb", skip_serializing_if = "is_rgb")]
    pub channels: usize,
    /// Stride of the stem convolution: 2 as published, 1 for images of 32 pixels.
    pub stem_stride: usize,
    /// Padding of the convolutions. [`Padding::Fixed`] is the stem's, and has the side of the images.
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
    /// How images are resized and normalised.
    pub preprocessing: Preprocessing,
    /// The classifier.
    pub classifier: ClassifierKind,
}

/// The channels of files that record none.
fn rgb() -> usize {
    RGB
}

fn is_rgb(channels: &usize) -> bool {
    *channels == RGB
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Padding", rename_all = "lowercase")]
enum PaddingName {
    Symmetric,
    Same,
    Fixed(usize),
}

impl Arch {
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

    /// Channels of the input images: 1, 3 or 4. For other than three, each channel is normalised by the average of the three's mean and
    /// standard deviation, as timm does it.
    pub fn with_channels(self, channels: usize) -> Self {
        if channels == self.channels {
            return self;
        }
        let preprocessing = if channels == RGB { self.preprocessing } else { self.preprocessing.averaged() };
        Self { channels, preprocessing, ..self }
    }

    /// The kind of classifier.
    pub fn with_classifier(self, classifier: ClassifierKind) -> Self {
        Self { classifier, ..self }
    }

    /// The activation function after batch norm.
    pub(crate) fn activation(&self) -> Activation {
        match self.variant {
            Variant::Base => Activation::Swish,
            Variant::Lite => Activation::Relu6,
        }
    }
}
