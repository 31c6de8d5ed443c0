//! The features of several networks side by side, and the images that each of them takes.

use candle_core::{Result as CandleResult, Tensor};

use crate::arch::Arch;
use crate::error::{Error, Result};

/// Norms are taken to be at least this, so that features of nothing but zeros stay zeros.
pub(crate) const SMALLEST_NORM: f32 = 1e-12;

/// The features of one image by several networks, side by side: each network's f of length F as `sqrt(F) f / |f|`, so that all of them
/// count alike, and a value is about 1. The features of a single network stay as they are.
///
/// # Panics
/// If `out` is shorter than all features together.
pub fn join_features(of_bodies: &[&[f32]], out: &mut [f32]) {
    let mut rest = out;
    for features in of_bodies {
        let (own, later) = rest.split_at_mut(features.len());
        own.copy_from_slice(features);
        if of_bodies.len() > 1 {
            let squares: f64 = features.iter().map(|f| f64::from(*f) * f64::from(*f)).sum();
            let factor = scale_of(features.len()) / (squares.sqrt() as f32).max(SMALLEST_NORM);
            own.iter_mut().for_each(|f| *f *= factor);
        }
        rest = later;
    }
}

/// The norm that features of this length get.
pub(crate) fn scale_of(length: usize) -> f32 {
    (length as f32).sqrt()
}

/// How images that were prepared for one network become those of another: `x factor + offset` of each channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Rescale {
    pub(crate) factor: Vec<f32>,
    pub(crate) offset: Vec<f32>,
}

impl Rescale {
    /// From images that `from` normalises to those that `to` does; `None` where these are the same.
    ///
    /// # Errors
    /// [`Error::InvalidArch`] where the two take images of other channels.
    pub fn between(from: &Arch, to: &Arch) -> Result<Option<Self>> {
        if from.channels != to.channels {
            let reason = format!(
                "it takes images of {} channels, and {} those of {}, so they can't stand side by side",
                to.channels, from.name, from.channels
            );
            return Err(Error::InvalidArch { name: to.name.clone(), reason });
        }
        let (mean, std) = from.preprocessing.of_channels(from.channels);
        let (other_mean, other_std) = to.preprocessing.of_channels(to.channels);
        if (&mean, &std) == (&other_mean, &other_std) {
            return Ok(None);
        }
        let factor = std.iter().zip(&other_std).map(|(std, other)| std / other).collect();
        let offset = mean.iter().zip(&other_mean).zip(&other_std);
        let offset = offset.map(|((mean, other), std)| (mean - other) / std).collect();
        Ok(Some(Self { factor, offset }))
    }

    /// [N, H, W, C] -> [N, H, W, C].
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn of(&self, images: &Tensor) -> CandleResult<Tensor> {
        let factor = Tensor::new(self.factor.as_slice(), images.device())?;
        let offset = Tensor::new(self.offset.as_slice(), images.device())?;
        images.broadcast_mul(&factor)?.broadcast_add(&offset)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::preprocessing::Preprocessing;

    #[test]
    fn each_body_s_features_have_one_norm_and_those_of_one_body_stay() {
        let mut out = [0.0; 5];
        join_features(&[&[3.0, 4.0], &[0.0, 0.0, 2.0]], &mut out);
        let (two, three) = (2f32.sqrt(), 3f32.sqrt());
        for (value, expected) in out.into_iter().zip([0.6 * two, 0.8 * two, 0.0, 0.0, three]) {
            assert!((value - expected).abs() < 1e-6, "{out:?}");
        }
        join_features(&[&[0.0, 0.0], &[1.0, 0.0, 0.0]], &mut out);
        assert_eq!(out, [0.0, 0.0, three, 0.0, 0.0]);
        join_features(&[&[3.0, 4.0]], &mut out);
        assert_eq!(out[..2], [3.0, 4.0]);
    }

    #[test]
    fn rescaled_images_are_those_that_the_other_network_prepares() {
        let b0 = Arch::by_name("b0").unwrap();
        let arch = |mean: f32, std: f32| Arch {
            preprocessing: Preprocessing { mean: [mean; 3], std: [std; 3], ..b0.preprocessing },
            ..b0.clone()
        };
        let (one, other) = (arch(0.5, 0.5), arch(0.4, 0.2));
        assert_eq!(Rescale::between(&one, &one).unwrap(), None);
        let prepared = |mean: f32, std: f32| [0.0f32, 0.3, 1.0].map(|value| (value - mean) / std);
        let images = Tensor::new(&prepared(0.5, 0.5), &Device::Cpu).unwrap().reshape((1, 1, 1, 3)).unwrap();
        let rescaled = Rescale::between(&one, &other).unwrap().unwrap().of(&images).unwrap();
        let rescaled = rescaled.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (value, expected) in rescaled.into_iter().zip(prepared(0.4, 0.2)) {
            assert!((value - expected).abs() < 1e-6, "{value} and {expected}");
        }
        let grey = Arch { channels: 1, ..arch(0.5, 0.5) };
        assert!(Rescale::between(&one, &grey).unwrap_err().to_string().contains("side by side"));
    }
}
