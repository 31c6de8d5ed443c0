//! What is done to an image before a network gets it.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// How an image was resized when the weights were trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// Linear in both directions.
    Bilinear,
    /// Cubic in both directions.
    Bicubic,
}

/// How an image that is not square becomes the square that a network gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Its middle is kept. timm's `crop_mode` is `center`.
    #[default]
    Crop,
    /// All of it is squeezed into the square, in other proportions. timm's `crop_mode` is `squash`.
    Squeeze,
    /// All of it is kept in its proportions, with a border of the mean. timm's `crop_mode` is `border`.
    Pad,
}

impl Fit {
    /// Whether it is what files mean that record none.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    fn is_crop(&self) -> bool {
        *self == Self::Crop
    }
}

/// How an image is resized, and how its values in 0..1 are normalised: (value - mean) / std of each channel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Mean of red, green and blue.
    pub mean: [f32; 3],
    /// Standard deviation of red, green and blue.
    pub std: [f32; 3],
    /// Mean and standard deviation of a fourth channel, the opacity; the averages of the three's where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<[f32; 2]>,
    /// Resampling filter.
    pub interpolation: Interpolation,
    /// Share of the resized image's short side that is kept, above 0 and at most 1: the middle.
    #[serde(default = "whole")]
    pub crop: f64,
    /// How an image that is not square becomes one.
    #[serde(default, skip_serializing_if = "Fit::is_crop")]
    pub fit: Fit,
}

/// The crop of files that record none.
fn whole() -> f64 {
    1.0
}

impl Preprocessing {
    /// Mean and standard deviation of ImageNet.
    pub const IMAGENET: Self = Self {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
        alpha: None,
        interpolation: Interpolation::Bicubic,
        crop: 1.0,
        fit: Fit::Crop,
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

    /// Mean and standard deviation of each of so many channels: of one the averages of the three's, of four those of red, green, blue and
    /// opacity.
    pub fn of_channels(&self, channels: usize) -> (Vec<f32>, Vec<f32>) {
        let [mean, std] = self.averages();
        match channels {
            1 => (vec![mean], vec![std]),
            4 => {
                let [alpha_mean, alpha_std] = self.alpha.unwrap_or([mean, std]);
                ([&self.mean[..], &[alpha_mean]].concat(), [&self.std[..], &[alpha_std]].concat())
            }
            _ => (self.mean.to_vec(), self.std.to_vec()),
        }
    }

    /// The same for each channel: the averages (`resolve_input_data_config` of timm's `data/model_config.py`).
    pub(crate) fn averaged(self) -> Self {
        let [mean, std] = self.averages();
        Self { mean: [mean; 3], std: [std; 3], alpha: None, ..self }
    }

    /// Averages of the means and of the standard deviations.
    fn averages(&self) -> [f32; 2] {
        [self.mean, self.std]
            .map(|values| (values.iter().map(|value| f64::from(*value)).sum::<f64>() / 3.0) as f32)
    }

    /// (values - mean) / std: [..., C] in 0..1 -> [..., C], for 1, 3 or 4 channels.
    ///
    /// # Errors
    /// If the last dimension is another.
    pub fn normalise(&self, values: &Tensor) -> candle_core::Result<Tensor> {
        let (mean, std) = self.of_channels(values.dim(candle_core::D::Minus1)?);
        let of = |numbers: Vec<f32>| Tensor::new(numbers, values.device());
        values.broadcast_sub(&of(mean)?)?.broadcast_div(&of(std)?)
    }

    /// Whether images can be made ready by it; if not, why.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { mean, std, crop, .. } = self;
        let usable = |(mean, std): (&f32, &f32)| {
            *std > 0.0 && std.is_finite() && [0.0, 1.0].iter().all(|value| ((value - mean) / std).is_finite())
        };
        let alpha = self.alpha.unwrap_or([0.0, 1.0]);
        if !mean.iter().zip(std).all(usable) || !usable((&alpha[0], &alpha[1])) {
            return Err(format!("mean {mean:?} and std {std:?} must be numbers, the latter above 0"));
        }
        match *crop > 0.0 && *crop <= 1.0 {
            true => Ok(()),
            false => Err(format!("crop {crop} must be above 0 and at most 1")),
        }
    }
}
