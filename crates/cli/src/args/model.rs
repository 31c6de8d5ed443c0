//! Which model, and what computes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use effmix::settings::DeviceChoice;
use effmix::{AveragedViews, ComputeDevice, ModelOptions};

use crate::failure::Failure;
use crate::output::{computing_on, tell};

/// What computes.
#[derive(Debug, Args)]
pub(crate) struct OnDevice {
    /// Device that computes: auto (the first GPU that can be used, else the CPU), cpu, or cuda:N (the NVIDIA GPU with number N, from
    /// 0). A GPU needs a build with the feature cuda
    #[arg(long, value_name = "DEVICE", value_parser = device, default_value_t)]
    pub(crate) device: DeviceChoice,
}

impl OnDevice {
    /// The device, ready for use.
    pub(crate) fn open(&self) -> Result<ComputeDevice, Failure> {
        Ok(ComputeDevice::open(self.device)?)
    }
}

/// Which model, for the commands that use one.
#[derive(Debug, Args)]
pub(crate) struct Model {
    /// A run folder, its model/ folder, a .safetensors, .pth, .whl or .zip file, imagenet (pretrained weights, of --arch), or
    /// hf://OWNER/REPO[/FILE]
    pub(crate) model: PathBuf,
    /// Architecture of a weights file, where its tensors leave it open: efficientnet_b0 or tf_efficientnet_b0, ...
    #[arg(long, value_name = "NAME")]
    pub(crate) arch: Option<String>,
    /// Weights that are taken of a file that holds several: the key of their dictionary, with dots between keys (state_dict_ema); a
    /// wrong key is shown the others [default: the plainest; which these are is said]
    #[arg(long, value_name = "KEY")]
    pub(crate) weights_key: Option<String>,
    /// Side in pixels of the square images that the network gets [default: the model's own]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(8..=1024))]
    pub(crate) size: Option<u16>,
    /// Largest number of pixels of an image, width times height. Larger images are skipped before they are decoded [default:
    /// 100000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
    pub(crate) max_pixels: Option<u64>,
    /// Number of images in a batch
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) batch: u16,
    /// Number of threads, from 1 to 1024 [default: one per processor]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) device: OnDevice,
}

impl Model {
    /// How the model is opened. The device is opened, and said, first.
    pub(crate) fn options(&self) -> Result<ModelOptions, Failure> {
        let device = self.device.open()?;
        tell(&computing_on(&device.describe()));
        let (arch, weights_key) = (self.arch.clone(), self.weights_key.clone());
        let (size, batch) = (self.size.map(usize::from), usize::from(self.batch));
        Ok(ModelOptions { arch, weights_key, size, batch, device })
    }
}

/// Views whose logits are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tta {
    /// The image and its mirror image
    Flip,
    /// The corners and the middle of an image that is an eighth larger
    Crops,
}

impl From<Tta> for AveragedViews {
    fn from(tta: Tta) -> Self {
        match tta {
            Tta::Flip => Self::Flip,
            Tta::Crops => Self::Crops,
        }
    }
}

pub(super) fn device(name: &str) -> Result<DeviceChoice, String> {
    DeviceChoice::try_from(name.to_owned())
}
