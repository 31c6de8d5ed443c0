//! Images as the loop takes them: decoded, augmented views as tensors.

use candle_core::{DType, Device, Tensor};
use dividemix::{View, ViewKind, ViewSource, one_by_one};
use effnet_model::Arch;
use image_folder::{
    Batch, ByteBatch, Channels, Fit, Interpolation, Policy, RgbImage, Transform, ViewOf, Views,
};

use crate::settings::Augment;
use crate::{Error, Result};

/// Views of images.
///
/// On a GPU the views of a step go up as bytes, all at once, and are normalised there.
pub struct PixelViews {
    /// The images, and how augmented views are made of them.
    views: Views,
    /// How strong views differ further; where there is no policy, they don't.
    strong: Option<Policy>,
    to_tensor: ToTensor,
}

impl PixelViews {
    /// Views for networks on `device`.
    ///
    /// # Errors
    /// The device's.
    pub fn new(views: Views, strong: Option<Policy>, device: &Device) -> Result<Self> {
        let to_tensor = ToTensor::new(views.transform(), device)?;
        Ok(Self { views, strong, to_tensor })
    }

    /// Which view of which image is meant.
    fn view(&self, kind: ViewKind, view: &View) -> (usize, ViewOf) {
        let of = match (kind, self.strong) {
            (ViewKind::Strong, Some(policy)) => ViewOf::Strong(policy, view.seed),
            _ => ViewOf::Augmented(view.seed),
        };
        (view.sample, of)
    }

    /// Views as a tensor `[N, H, W, C]`, by way of bytes.
    fn by_bytes(&self, views: impl Iterator<Item = (usize, ViewOf)>) -> dividemix::Result<Tensor> {
        let bytes = self.views.bytes(&views.collect::<Vec<_>>()).map_err(Error::from)?;
        Ok(self.to_tensor.of_bytes(bytes)?)
    }
}

impl ViewSource for PixelViews {
    fn len(&self) -> usize {
        self.views.len()
    }

    fn plain(&self, samples: &[usize]) -> dividemix::Result<Tensor> {
        if self.to_tensor.takes_bytes() {
            return self.by_bytes(samples.iter().map(|&sample| (sample, ViewOf::Plain)));
        }
        tensor_of(self.views.plain(samples))
    }

    fn augmented(&self, views: &[View]) -> dividemix::Result<Tensor> {
        if self.to_tensor.takes_bytes() {
            return self.by_bytes(views.iter().map(|view| self.view(ViewKind::Weak, view)));
        }
        tensor_of(self.views.augmented(&seeded(views)))
    }

    fn strong(&self, views: &[View]) -> dividemix::Result<Tensor> {
        if self.to_tensor.takes_bytes() {
            return self.by_bytes(views.iter().map(|view| self.view(ViewKind::Strong, view)));
        }
        match self.strong {
            Some(policy) => tensor_of(self.views.strong(policy, &seeded(views))),
            None => self.augmented(views),
        }
    }

    fn together(&self, wanted: &[(ViewKind, Vec<View>)]) -> dividemix::Result<Vec<Tensor>> {
        if !self.to_tensor.takes_bytes() {
            return one_by_one(self, wanted);
        }
        let all = wanted.iter().flat_map(|(kind, views)| views.iter().map(|view| self.view(*kind, view)));
        let all = self.by_bytes(all)?;
        let mut start = 0;
        let part = |(_, views): &(ViewKind, Vec<View>)| {
            let part = all.narrow(0, start, views.len());
            start += views.len();
            Ok(part?)
        };
        wanted.iter().map(part).collect()
    }
}

fn tensor_of(batch: image_folder::Result<Batch>) -> dividemix::Result<Tensor> {
    let Batch { pixels, shape } = batch.map_err(Error::from)?;
    Ok(Tensor::from_vec(pixels, &shape[..], &Device::Cpu)?)
}

fn seeded(views: &[View]) -> Vec<(usize, u64)> {
    views.iter().map(|view| (view.sample, view.seed)).collect()
}

/// From images to normalised tensors on a device.
pub struct ToTensor {
    transform: Transform,
    device: Device,
    /// What each channel is multiplied with and what is added, `[C]`, where that is done on the device.
    scale_and_bias: Option<(Tensor, Tensor)>,
}

impl ToTensor {
    /// By the transform's mean and standard deviation.
    ///
    /// # Errors
    /// The device's.
    pub fn new(transform: &Transform, device: &Device) -> Result<Self> {
        let (transform, device) = (transform.clone(), device.clone());
        if device.is_cpu() {
            return Ok(Self { transform, device, scale_and_bias: None });
        }
        Self::with_bytes(transform, device)
    }

    /// Normalises on the device, which gets bytes.
    fn with_bytes(transform: Transform, device: Device) -> Result<Self> {
        let (scale, bias) = transform.scale_and_bias();
        let on_device = |values: Vec<f32>| Tensor::new(values, &device);
        let scale_and_bias = Some((on_device(scale)?, on_device(bias)?));
        Ok(Self { transform, device, scale_and_bias })
    }

    /// Whether bytes go to the device, and not numbers.
    fn takes_bytes(&self) -> bool {
        self.scale_and_bias.is_some()
    }

    /// Images of one size as a tensor `[N, H, W, C]` on the device.
    ///
    /// # Errors
    /// [`Error::Images`] where their sizes differ; the device's.
    pub fn of_images(&self, images: &[&RgbImage]) -> Result<Tensor> {
        if self.takes_bytes() {
            return Ok(self.of_bytes(ByteBatch::of(images, self.transform.channels)?)?);
        }
        let Batch { pixels, shape } = self.transform.normalise(images)?;
        Ok(Tensor::from_vec(pixels, &shape[..], &self.device)?)
    }

    /// Bytes as a tensor of their shape on the device.
    fn of_bytes(&self, ByteBatch { pixels, shape }: ByteBatch) -> candle_core::Result<Tensor> {
        let numbers = Tensor::from_vec(pixels, &shape[..], &self.device)?.to_dtype(DType::F32)?;
        match &self.scale_and_bias {
            Some((scale, bias)) => numbers.broadcast_mul(scale)?.broadcast_add(bias),
            None => Ok(numbers),
        }
    }
}

/// What is done to an image before a network of this architecture sees it.
pub fn transform_for(arch: &Arch, augment: Augment) -> Transform {
    let interpolation = match arch.preprocessing.interpolation {
        effnet_model::Interpolation::Bilinear => Interpolation::Bilinear,
        effnet_model::Interpolation::Bicubic => Interpolation::Bicubic,
    };
    let fit = match arch.preprocessing.fit {
        effnet_model::Fit::Crop => Fit::Crop,
        effnet_model::Fit::Squeeze => Fit::Squeeze,
        effnet_model::Fit::Pad => Fit::Pad,
    };
    Transform {
        size: arch.size,
        fit,
        resized: arch.preprocessing.resized(arch.size),
        channels: match arch.channels {
            1 => Channels::Grey,
            4 => {
                let (mean, std) = arch.preprocessing.of_channels(4);
                Channels::Rgba { mean: mean[3], std: std[3] }
            }
            _ => Channels::Rgb,
        },
        mean: arch.preprocessing.mean,
        std: arch.preprocessing.std,
        interpolation,
        flip: augment == Augment::FlipCrop,
        // The authors' crop of CIFAR's 32 pixels is padded by 4: an eighth.
        crop_padding: if augment == Augment::None { 0 } else { arch.size / 8 },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use image_folder::{Cache, DemoOptions, demo};

    use super::*;

    /// The way of a GPU, tried on the CPU: bytes, all at once.
    #[test]
    fn views_by_way_of_bytes_are_the_same_but_for_rounding() {
        let set = demo(1, &DemoOptions { per_class: 2, ..DemoOptions::default() });
        let transform = transform_for(&Arch::by_name("b0").unwrap().with_size(32), Augment::FlipCrop);
        let build = || {
            let samples = set.train.clone();
            let built =
                Views::build(samples, transform.clone(), Cache::Ram, &|_, _| (), &AtomicBool::new(false));
            PixelViews::new(built.unwrap().0, Some(Policy::RandAugment), &Device::Cpu).unwrap()
        };
        let direct = build();
        let by_bytes = PixelViews {
            to_tensor: ToTensor::with_bytes(transform.clone(), Device::Cpu).unwrap(),
            ..build()
        };
        let views = |start: u64| -> Vec<View> {
            (0..5).map(|i| View { sample: i as usize, seed: start + i }).collect()
        };
        let wanted = [
            (ViewKind::Weak, views(0)),
            (ViewKind::Strong, views(0)),
            (ViewKind::Weak, views(7)[..2].to_vec()),
        ];
        let all = |source: &PixelViews| {
            let mut all = source.together(&wanted).unwrap();
            all.push(source.plain(&[3, 1]).unwrap());
            all.push(source.augmented(&views(9)).unwrap());
            all.push(source.strong(&views(9)).unwrap());
            let images = [RgbImage::from_pixel(4, 3, image::Rgb([0, 128, 255]))];
            all.push(source.to_tensor.of_images(&images.iter().collect::<Vec<_>>()).unwrap());
            all
        };
        for (one, other) in all(&direct).iter().zip(all(&by_bytes)) {
            assert_eq!(one.dims(), other.dims());
            let difference = (one - other).unwrap().abs().unwrap().flatten_all().unwrap();
            assert!(difference.max(0).unwrap().to_scalar::<f32>().unwrap() < 1e-5);
        }
    }
}
