//! The libraries, how each computes a member, and how its names map to timm's.

use std::collections::{BTreeMap, HashMap};

use effnet_ops::Padding;

use super::telltales::{STEM, TELLTALES};
use super::{lukemelas, torchvision};
use crate::arch::{Arch, RGB, Variant};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::preprocessing::Preprocessing;
use crate::weights::WeightsFile;

/// A library's way of naming an EfficientNet's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// timm's, plain and `tf_` alike; ours too.
    Timm,
    /// lukemelas's EfficientNet-PyTorch, and efficientnet_lite_pytorch.
    Lukemelas,
    /// torchvision's.
    Torchvision,
}

/// Members from this width on (B5) have TensorFlow's batch norms in torchvision.
pub(crate) const TORCHVISION_LARGE: f64 = 1.6;

impl Layout {
    /// Tells the layout by the name of the stem's weight.
    fn detect<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<Self> {
        names.find_map(|name| match name {
            STEM => Some(Self::Timm),
            lukemelas::STEM => Some(Self::Lukemelas),
            torchvision::STEM => Some(Self::Torchvision),
            _ => None,
        })
    }

    /// The member as this library computes it: its padding, the numbers of batch norm, and, where the library differs from the
    /// member, preprocessing and size of the images. timm has two flavours, and the member's name says which.
    pub fn flavour(self, arch: &Arch) -> Arch {
        let preprocessing = arch.preprocessing;
        let published = Arch::by_name(&arch.name).map_or(arch.size, |published| published.size);
        let mut size = arch.size;
        let (padding, bn_eps, bn_momentum, preprocessing) = match self {
            Self::Timm if arch.variant == Variant::Lite && !arch.name.starts_with("tf_") => (
                Padding::Symmetric,
                1e-5,
                0.1,
                Preprocessing { crop: timm_lite(&arch.name), ..Preprocessing::IMAGENET },
            ),
            Self::Timm => return arch.clone(),
            Self::Lukemelas => {
                // For images of the published side, whatever those of today.
                (Padding::Fixed(published), 1e-3, 0.01, Preprocessing { crop: 1.0, ..preprocessing })
            }
            Self::Torchvision => {
                let (eps, momentum) =
                    if arch.scaling.width < TORCHVISION_LARGE { (1e-5, 0.1) } else { (1e-3, 0.01) };
                let (own, preprocessing) = torchvision::published_images(&arch.name, published);
                size = if size == published { own } else { size };
                (Padding::Symmetric, eps, momentum, preprocessing)
            }
        };
        let channels = arch.channels;
        // What the library normalises by is for three channels.
        let arch = Arch {
            padding,
            bn_eps,
            bn_momentum,
            preprocessing,
            channels: RGB,
            ..arch.clone().with_size(size)
        };
        arch.with_channels(channels)
    }
}

impl WeightsFile {
    /// Whose names the tensors have.
    ///
    /// # Errors
    /// [`Error::OtherNetwork`] if they are of no library that is known.
    pub fn layout(&self) -> Result<Layout> {
        Layout::detect(self.shapes().map(|(name, _)| name)).ok_or_else(|| self.of_no_layout())
    }

    /// The member as the library computes it whose names the tensors have ([`Layout::flavour`]), for images of as many channels as the
    /// stem takes: what a network must be built as before it takes them over.
    ///
    /// # Errors
    /// As [`WeightsFile::layout`] and [`WeightsFile::channels`].
    pub fn flavour(&self, arch: &Arch) -> Result<Arch> {
        Ok(self.layout()?.flavour(&arch.clone().with_channels(self.channels()?)))
    }

    /// Channels of the images that the stem takes.
    ///
    /// # Errors
    /// [`Error::Malformed`] if these are other than 1, 3 or 4.
    pub fn channels(&self) -> Result<usize> {
        let stem = TELLTALES.iter().find_map(|[stem, _]| self.shape(stem));
        match stem {
            Some([_, channels @ (1 | 3 | 4), ..]) => Ok(*channels),
            Some([_, channels, _, _]) => Err(self.malformed(format!(
                "its first convolution takes images of {channels} channels; 1 (grey), 3 (RGB) and 4 (RGBA) are read"
            ))),
            _ => Ok(RGB),
        }
    }

    /// The error for tensors under the names of no library's EfficientNet.
    pub(crate) fn of_no_layout(&self) -> Error {
        match self.config() {
            Err(named @ Error::OtherNetwork { .. }) => named,
            _ => {
                let (network, reason) = self.recognised().unwrap_or_else(|| self.unknown());
                self.other_network(network, reason)
            }
        }
    }
}

/// Crop of timm's own Lite of this name: that of TensorFlow's Lite of the same number.
fn timm_lite(name: &str) -> f64 {
    Arch::by_name(&format!("tf_{name}")).map_or(1.0, |tf| tf.preprocessing.crop)
}

/// PyTorch's counters of batches, which are no weights. Most files keep them as integers, one that was halved as a
/// whole as floats.
const COUNTER: &str = ".num_batches_tracked";

/// The file's name of each of its tensors by timm's, without batch counters. A name that the layout doesn't have stays as it is,
/// to be reported as it stands in the file.
pub(crate) fn names(file: &WeightsFile, plan: &Plan) -> Result<BTreeMap<String, String>> {
    let layout = file.layout()?;
    let modules = match layout {
        Layout::Torchvision => torchvision::to_timm(plan),
        Layout::Timm | Layout::Lukemelas => HashMap::new(),
    };
    let renamed = |name: &str| match layout {
        Layout::Timm => None,
        Layout::Lukemelas => lukemelas::to_timm(name, plan),
        Layout::Torchvision => with_module(name, &modules),
    };
    let weights = file.shapes().map(|(name, _)| name).filter(|name| !name.ends_with(COUNTER));
    Ok(weights.map(|name| (renamed(name).unwrap_or_else(|| name.to_owned()), name.to_owned())).collect())
}

/// The name of a parameter whose module has another name.
pub(crate) fn with_module(name: &str, modules: &HashMap<String, String>) -> Option<String> {
    let (module, parameter) = name.rsplit_once('.')?;
    Some(format!("{}.{parameter}", modules.get(module)?))
}
