//! The card of a saved model, which says what its weights are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::arch::Arch;
use crate::error::{Error, Result};
use crate::weights::write_atomically;

/// Name of the card in a model's folder.
const CARD: &str = "model.json";

/// Name of a model's folder inside the folder of a run.
const MODEL_FOLDER: &str = "model";

/// The description of a saved model, which together with its weights is enough to predict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// The architecture of all its networks, with several bodies that of the first; size, mean and standard deviation of the images stand
    /// in it.
    pub arch: Arch,
    /// The networks whose features the classifiers get side by side; none where each network is whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bodies: Vec<BodyCard>,
    /// Length of the features of one's own that the classifiers get instead of images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<usize>,
    /// Names of the classes, in the order of the logits.
    pub classes: Vec<String>,
    /// File names of the networks' weights, in the card's folder; with several bodies, and of features of one's own, of the classifiers'.
    pub networks: Vec<String>,
    /// Version of the program that wrote it.
    pub version: String,
}

/// A network of which a model uses the features alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BodyCard {
    /// Its architecture.
    pub arch: Arch,
    /// File name of its weights, in the card's folder.
    pub weights: String,
}

impl ModelCard {
    /// The card of whole networks that this version of the program writes.
    pub fn new(arch: Arch, classes: Vec<String>, networks: Vec<String>) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { arch, bodies: Vec::new(), features: None, classes, networks, version }
    }

    /// Reads `model.json` in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no such file; [`Error::Malformed`], with line and column, if it is not a card or its fields
    /// contradict each other.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(CARD);
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
        let card: Self = serde_json::from_str(&text).map_err(|e| Error::malformed(&path, e.to_string()))?;
        if card.classes.is_empty() || card.networks.is_empty() {
            return Err(Error::malformed(&path, "names no classes or no networks"));
        }
        let files = || card.networks.iter().chain(card.bodies.iter().map(|body| &body.weights));
        if let Some(name) = files().find(|name| name.contains(['/', '\\']) || name.starts_with('.')) {
            return Err(Error::malformed(
                &path,
                format!("network {name:?} is not a file's name in this folder"),
            ));
        }
        let distinct: BTreeSet<&String> = files().collect();
        if distinct.len() < files().count() {
            return Err(Error::malformed(&path, "names a network twice"));
        }
        if card.features.is_some() && !card.bodies.is_empty() {
            return Err(Error::malformed(&path, "has both bodies and features of one's own"));
        }
        card.arch.check()?;
        card.bodies.iter().try_for_each(|body| body.arch.check())?;
        Ok(card)
    }

    /// Whether the weights are classifiers alone, on features of bodies or of one's own.
    pub fn has_heads(&self) -> bool {
        self.features.is_some() || !self.bodies.is_empty()
    }

    /// Length F of the features that the classifiers get.
    ///
    /// # Errors
    /// [`Error::InvalidArch`] for an architecture that can't be.
    pub fn feature_len(&self) -> Result<usize> {
        match self.features {
            Some(length) => Ok(length),
            None if self.bodies.is_empty() => Ok(self.arch.plan()?.head),
            None => self.bodies.iter().map(|body| Ok(body.arch.plan()?.head)).sum(),
        }
    }

    /// Writes `model.json` in `folder`, in one step.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder can't be written to.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(CARD);
        let mut text =
            serde_json::to_string_pretty(self).map_err(|e| Error::malformed(&path, e.to_string()))?;
        text.push('\n');
        write_atomically(&path, text.as_bytes())
    }
}

/// The folder that holds the card, which is `path` or `model/` in it, and the card.
pub(crate) fn card_of(path: &Path) -> Result<(PathBuf, ModelCard)> {
    let inner = path.join(MODEL_FOLDER);
    let folder = if inner.join(CARD).is_file() { inner } else { path.to_path_buf() };
    let card = ModelCard::read(&folder)?;
    Ok((folder, card))
}
