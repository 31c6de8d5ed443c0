//! What a file of weights says it is: our own files in themselves, timm's in the `config.json` that lies beside them.

use serde::Deserialize;

use crate::arch::{Arch, Interpolation, Preprocessing};
use crate::error::{Error, Result};
use crate::layouts::Layout;
use crate::weights::{Place, WeightsFile, shown};

/// Key of [`crate::save_weights`]'s metadata under which the architecture stands, as JSON.
pub const ARCH_KEY: &str = "arch";

/// Key of [`crate::save_weights`]'s metadata under which the names of the classes stand, as JSON.
pub const CLASSES_KEY: &str = "classes";

/// Name of the file in which timm's repositories say what their weights are.
pub(crate) const CONFIG: &str = "config.json";

/// Longer files are not timm's, bytes.
pub(crate) const LONGEST_CONFIG: u64 = 1 << 20;

/// The part of timm's `config.json` that decides what a network computes.
#[derive(Deserialize)]
pub(crate) struct Config {
    architecture: String,
    /// The classes, in the order of the logits: of weights that somebody fine-tuned.
    label_names: Option<Vec<String>>,
    pretrained_cfg: PretrainedConfig,
}

#[derive(Deserialize)]
struct PretrainedConfig {
    /// What the weights were trained on, and how.
    #[serde(default)]
    tag: String,
    /// Channels, height, width.
    input_size: [usize; 3],
    mean: [f32; 3],
    std: [f32; 3],
    interpolation: String,
    #[serde(default = "whole")]
    crop_pct: f64,
}

fn whole() -> f64 {
    1.0
}

/// What the tags of weights end with whose last training was on ImageNet's 1000 classes.
const ON_IMAGENET: &str = "in1k";

/// Names of these classes, in their order, a line each: torchvision's (copyright Soumith Chintala 2016, BSD 3-Clause).
const IMAGENET: &str = include_str!("imagenet.txt");

impl Config {
    /// The member of this name, in the flavour of `layout`, for the images of these weights.
    fn arch(&self, layout: Layout) -> Result<Arch, String> {
        let PretrainedConfig { input_size: [channels, height, width], mean, std, crop_pct: crop, .. } =
            self.pretrained_cfg;
        if channels != 3 || height != width {
            let size = self.pretrained_cfg.input_size;
            return Err(format!("input_size {size:?}: square images of three channels are read"));
        }
        let interpolation = match self.pretrained_cfg.interpolation.as_str() {
            "bilinear" => Interpolation::Bilinear,
            "bicubic" => Interpolation::Bicubic,
            other => return Err(format!("interpolation {other:?}: bilinear and bicubic are read")),
        };
        let member = Arch::by_name(&self.architecture).map_err(|e| e.to_string())?;
        let arch = layout.flavour(&member).with_size(height);
        let arch = Arch { preprocessing: Preprocessing { mean, std, interpolation, crop }, ..arch };
        arch.check().map_err(|e| e.to_string())?;
        Ok(arch)
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
        config.arch(self.layout()?).map(Some).map_err(|reason| place.malformed(reason))
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

    /// Whether its classes, so many, are ImageNet's: timm's `config.json` says so, or there is none and the file is not ours.
    pub(crate) fn is_of_imagenet(&self, count: usize) -> Result<bool> {
        let said = self.config()?.is_none_or(|(_, config)| config.pretrained_cfg.tag.ends_with(ON_IMAGENET));
        Ok(said && count == IMAGENET.lines().count() && self.metadata()?.is_empty())
    }

    /// What the file records if it does, else `given` in the flavour of the file's library, else what the tensors' names and shapes
    /// tell ([`WeightsFile::identify`]).
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

    /// timm's `config.json` beside the file, if there is one; another program's of that name does not count.
    pub(crate) fn config(&self) -> Result<Option<(Place, Config)>> {
        let Some((place, bytes)) = self.config_beside()? else { return Ok(None) };
        let malformed = |e: serde_json::Error| place.malformed(e.to_string());
        let json: serde_json::Value = serde_json::from_slice(&bytes).map_err(malformed)?;
        let Some(architecture) = json.get("architecture") else { return Ok(None) };
        if let Some(name) = architecture.as_str().filter(|name| Arch::by_name(name).is_err()) {
            return Err(self.other_network(shown(name), format!("{place} says so")));
        }
        let config = serde_json::from_value(json).map_err(malformed)?;
        Ok(Some((place, config)))
    }
}
