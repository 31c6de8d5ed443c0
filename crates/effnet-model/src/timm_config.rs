//! timm's `config.json`, which lies beside a file of weights.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::arch::Arch;
use crate::error::Result as ModelResult;
use crate::preprocessing::Fit;
use crate::weights::{Place, WeightsFile, shown};

/// The part of timm's `config.json` that decides what a network computes.
#[derive(Deserialize)]
pub(crate) struct Config {
    pub(crate) architecture: String,
    /// The classes, in the order of the logits: of weights that somebody fine-tuned.
    pub(crate) label_names: Option<Vec<String>>,
    pub(crate) pretrained_cfg: PretrainedConfig,
}

#[derive(Deserialize)]
pub(crate) struct PretrainedConfig {
    /// What the weights were trained on, and how.
    #[serde(default)]
    pub(crate) tag: String,
    /// Channels, height, width.
    pub(crate) input_size: [usize; 3],
    pub(crate) mean: Vec<f32>,
    pub(crate) std: Vec<f32>,
    pub(crate) interpolation: String,
    #[serde(default = "whole")]
    pub(crate) crop_pct: f64,
    #[serde(default, deserialize_with = "fit")]
    pub(crate) crop_mode: Fit,
}

/// timm's names of what becomes of images that are not square.
fn fit<'de, D: Deserializer<'de>>(crop_mode: D) -> Result<Fit, D::Error> {
    match String::deserialize(crop_mode)?.as_str() {
        "center" => Ok(Fit::Crop),
        "squash" => Ok(Fit::Squeeze),
        "border" => Ok(Fit::Pad),
        other => Err(D::Error::custom(format!("crop_mode {other:?}: center, squash and border are read"))),
    }
}

/// The crop of files that record none.
fn whole() -> f64 {
    1.0
}

impl WeightsFile {
    /// timm's `config.json` beside the file, if there is one; another program's of that name does not count.
    pub(crate) fn config(&self) -> ModelResult<Option<(Place, Config)>> {
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
