//! The architecture and classes that a file of weights records: our own files in themselves, timm's in the `config.json` beside
//! them.

use crate::arch::{Arch, RGB};
use crate::error::{Error, Result};
use crate::layouts::Layout;
use crate::preprocessing::{Interpolation, Preprocessing};
use crate::timm_config::{Config, PretrainedConfig};
use crate::weights::WeightsFile;

/// Key of [`crate::save_weights`]'s metadata under which the architecture stands, as JSON.
pub const ARCH_KEY: &str = "arch";

/// Key of [`crate::save_weights`]'s metadata under which the names of the classes stand, as JSON.
pub const CLASSES_KEY: &str = "classes";

/// The end of the tags of weights whose last training was on ImageNet's 1000 classes.
const ON_IMAGENET: &str = "in1k";

/// Names of these classes, in their order, a line each: torchvision's (copyright Soumith Chintala 2016, BSD 3-Clause).
const IMAGENET: &str = include_str!("imagenet.txt");

/// The member that timm's `config.json` names, in the flavour of `layout`, for images as these weights were trained on, with as many
/// channels as their stem takes: `config.json` tells of the weights that these were made from.
fn recorded_arch(config: &Config, layout: Layout, channels: usize) -> Result<Arch, String> {
    let PretrainedConfig {
        input_size: [recorded, height, width],
        ref mean,
        ref std,
        crop_pct: crop,
        crop_mode: fit,
        ..
    } = config.pretrained_cfg;
    if ![channels, RGB].contains(&recorded) || height != width {
        let size = config.pretrained_cfg.input_size;
        return Err(format!(
            "input_size {size:?}: these weights take images of {channels} channels, which must be square"
        ));
    }
    let interpolation = match config.pretrained_cfg.interpolation.as_str() {
        "bilinear" => Interpolation::Bilinear,
        "bicubic" => Interpolation::Bicubic,
        other => return Err(format!("interpolation {other:?}: bilinear and bicubic are read")),
    };
    let member = Arch::by_name(&config.architecture).map_err(|e| e.to_string())?;
    let arch = layout.flavour(&member.with_channels(channels)).with_size(height);
    let preprocessing = Preprocessing { interpolation, crop, fit, ..Preprocessing::IMAGENET };
    let arch = Arch { preprocessing: normalised(preprocessing, mean, std, channels)?, ..arch };
    arch.check().map_err(|e| e.to_string())?;
    Ok(arch)
}

/// The preprocessing with these means and standard deviations, of as many channels or of three; of others, or of one alone, the average
/// counts for each channel.
fn normalised(
    preprocessing: Preprocessing,
    mean: &[f32],
    std: &[f32],
    channels: usize,
) -> Result<Preprocessing, String> {
    match (mean, std) {
        (&[r, g, b, alpha], &[sr, sg, sb, salpha]) if channels == 4 => Ok(Preprocessing {
            mean: [r, g, b],
            std: [sr, sg, sb],
            alpha: Some([alpha, salpha]),
            ..preprocessing
        }),
        (&[m], &[s]) => Ok(Preprocessing { mean: [m; 3], std: [s; 3], ..preprocessing }),
        (&[r, g, b], &[sr, sg, sb]) => {
            let of_three = Preprocessing { mean: [r, g, b], std: [sr, sg, sb], ..preprocessing };
            Ok(if channels == 3 { of_three } else { of_three.averaged() })
        }
        _ => Err(format!("mean {mean:?} and std {std:?} for images of {channels} channels")),
    }
}

/// The names of ImageNet's 1000 classes, in their usual order.
pub(crate) fn imagenet_classes() -> Vec<String> {
    IMAGENET.lines().map(str::to_owned).collect()
}

impl WeightsFile {
    /// The architecture, where it is recorded: in the file, which then is one of ours, or beside it in timm's `config.json`.
    ///
    /// # Errors
    /// [`Error::Malformed`] if a record can't be read; [`Error::OtherNetwork`] if timm's names a network that is not of the
    /// family; [`Error::Io`].
    pub fn arch(&self) -> Result<Option<Arch>> {
        if let Some(json) = self.metadata()?.get(ARCH_KEY) {
            let arch: Arch = serde_json::from_str(json)
                .map_err(|e| self.malformed(format!("recorded architecture: {e}")))?;
            arch.check()?;
            return Ok(Some(arch));
        }
        let Some((place, config)) = self.config()? else { return Ok(None) };
        let arch = recorded_arch(&config, self.layout()?, self.channels()?);
        arch.map(Some).map_err(|reason| place.malformed(reason))
    }

    /// Names of so many classes, where the file tells them, as ours do, or timm's `config.json` beside it.
    ///
    /// # Errors
    /// As [`WeightsFile::arch`]; [`Error::Malformed`] if more or fewer are named.
    pub fn classes(&self, count: usize) -> Result<Option<Vec<String>>> {
        let named = match (self.metadata()?.get(CLASSES_KEY), self.config()?) {
            (Some(json), _) => {
                let malformed = |e: serde_json::Error| self.malformed(format!("recorded classes: {e}"));
                Some((self.place().clone(), serde_json::from_str(json).map_err(malformed)?))
            }
            (None, Some((place, Config { label_names: Some(names), .. }))) => Some((place, names)),
            (None, _) => None,
        };
        match named {
            Some((place, names)) if names.len() != count => {
                let reason = format!("names {} classes, and its classifier has {count}", names.len());
                Err(place.malformed(reason))
            }
            named => Ok(named.map(|(_, names)| names)),
        }
    }

    /// Whether its `count` classes are ImageNet's: timm's `config.json` says so, or there is no such file and the weights are not
    /// ours.
    pub(crate) fn is_of_imagenet(&self, count: usize) -> Result<bool> {
        let from_imagenet =
            self.config()?.is_none_or(|(_, config)| config.pretrained_cfg.tag.ends_with(ON_IMAGENET));
        Ok(from_imagenet && count == IMAGENET.lines().count() && self.metadata()?.is_empty())
    }

    /// The architecture that the file records; if it records none, `given` in the flavour of the file's library; if none is given,
    /// the one that its tensors' names and shapes identify ([`WeightsFile::identify`]).
    ///
    /// # Errors
    /// [`Error::OtherArch`] if what is recorded and `given` have different names; else as [`WeightsFile::arch`],
    /// [`WeightsFile::layout`], and, where nothing is given, [`WeightsFile::identify`].
    pub fn resolve(&self, given: Option<&Arch>) -> Result<Arch> {
        let Some(given) = given else { return self.identify() };
        match self.arch()? {
            Some(recorded) if recorded.name != given.name => Err(Error::OtherArch {
                path: self.path().to_path_buf(),
                recorded: recorded.name,
                given: given.name.clone(),
            }),
            Some(recorded) => Ok(recorded),
            None => self.flavour(given),
        }
    }
}
