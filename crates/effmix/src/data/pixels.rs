//! Images as the loop takes them: decoded, augmented views as tensors.

use candle_core::{Device, Tensor};
use dividemix::{View, ViewSource};
use effnet_model::Arch;
use image_folder::{Batch, Interpolation, Policy, Transform, Views};

use crate::settings::Augment;
use crate::{Error, Result};

/// Views of images.
pub struct PixelViews {
    /// The images, and how augmented views are made of them.
    pub views: Views,
    /// How strong views differ further; where there is no policy, they don't.
    pub strong: Option<Policy>,
}

impl ViewSource for PixelViews {
    fn len(&self) -> usize {
        self.views.len()
    }

    fn plain(&self, samples: &[usize]) -> dividemix::Result<Tensor> {
        tensor_of(self.views.plain(samples))
    }

    fn augmented(&self, views: &[View]) -> dividemix::Result<Tensor> {
        tensor_of(self.views.augmented(&seeded(views)))
    }

    fn strong(&self, views: &[View]) -> dividemix::Result<Tensor> {
        match self.strong {
            Some(policy) => tensor_of(self.views.strong(policy, &seeded(views))),
            None => self.augmented(views),
        }
    }
}

fn tensor_of(batch: image_folder::Result<Batch>) -> dividemix::Result<Tensor> {
    Ok(to_tensor(batch.map_err(Error::from)?)?)
}

fn seeded(views: &[View]) -> Vec<(usize, u64)> {
    views.iter().map(|view| (view.sample, view.seed)).collect()
}

/// A batch as a tensor `[N, H, W, 3]`.
///
/// # Errors
/// None but for a lack of memory.
pub fn to_tensor(batch: Batch) -> Result<Tensor> {
    let [n, h, w, c] = batch.shape;
    Ok(Tensor::from_vec(batch.pixels, (n, h, w, c), &Device::Cpu)?)
}

/// What is done to an image before a network of this architecture sees it.
pub fn transform_for(arch: &Arch, augment: Augment) -> Transform {
    let interpolation = match arch.preprocessing.interpolation {
        effnet_model::Interpolation::Bilinear => Interpolation::Bilinear,
        effnet_model::Interpolation::Bicubic => Interpolation::Bicubic,
    };
    Transform {
        size: arch.size,
        resized: arch.preprocessing.resized(arch.size),
        mean: arch.preprocessing.mean,
        std: arch.preprocessing.std,
        interpolation,
        flip: augment == Augment::FlipCrop,
        // The authors' crop of CIFAR's 32 pixels is padded by 4: an eighth.
        crop_padding: if augment == Augment::None { 0 } else { arch.size / 8 },
    }
}
