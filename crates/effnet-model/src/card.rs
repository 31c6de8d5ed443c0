//! A saved model: a folder with the weights of one or more networks and a card that says what they are.

use std::path::Path;

use candle_core::{Result as CandleResult, Tensor};
use serde::{Deserialize, Serialize};

use crate::arch::Arch;
use crate::error::{Error, Result};
use crate::evaluator::Evaluator;
use crate::pretrained::{classes_of, load_whole};
use crate::views::TestViews;
use crate::weights::{WeightsFile, write_atomically};

/// Name of the card in a model's folder.
const CARD: &str = "model.json";

/// Name of a model's folder inside the folder of a run.
const MODEL_FOLDER: &str = "model";

/// What a saved model is: enough to predict with its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// The architecture of all its networks; size, mean and standard deviation of the images stand in it.
    pub arch: Arch,
    /// Names of the classes, in the order of the logits.
    pub classes: Vec<String>,
    /// File names of the networks' weights, in the card's folder.
    pub networks: Vec<String>,
    /// Version of the program that wrote it.
    pub version: String,
}

impl ModelCard {
    /// Reads `model.json` in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] if there is none; [`Error::Malformed`] with line and column if it is no card, or its fields don't
    /// hold together.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(CARD);
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
        let card: Self = serde_json::from_str(&text).map_err(|e| Error::malformed(&path, e.to_string()))?;
        if card.classes.is_empty() || card.networks.is_empty() {
            return Err(Error::malformed(&path, "names no classes or no networks"));
        }
        if let Some(name) =
            card.networks.iter().find(|name| name.contains(['/', '\\']) || name.starts_with('.'))
        {
            return Err(Error::malformed(
                &path,
                format!("network {name:?} is not a file's name in this folder"),
            ));
        }
        card.arch.check()?;
        Ok(card)
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

/// A model read back: its networks predict together.
#[derive(Debug, Clone)]
pub struct SavedModel {
    /// What it is.
    pub card: ModelCard,
    /// In the card's order.
    networks: Vec<Evaluator>,
}

impl SavedModel {
    /// Opens the folder of a model, or of a run that has a model in it.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no card or no weights; [`Error::Malformed`] and [`Error::WeightsMismatch`] if they are
    /// damaged or don't belong together.
    pub fn open(path: &Path) -> Result<Self> {
        let inner = path.join(MODEL_FOLDER);
        let folder = if inner.join(CARD).is_file() { inner } else { path.to_path_buf() };
        let card = ModelCard::read(&folder)?;
        let network = |name: &String| {
            let file = WeightsFile::open(&folder.join(name))?;
            Ok(load_whole(&file, &card.arch, card.classes.len())?.into_evaluator()?)
        };
        let networks = card.networks.iter().map(network).collect::<Result<_>>()?;
        Ok(Self { card, networks })
    }

    /// One network from a bare file of weights, its classes numbered from "0" where it doesn't tell them
    /// ([`WeightsFile::classes`]). Without `arch` the file must say itself
    /// which architecture it is ([`WeightsFile::arch`]); one that does counts, and `arch` must have its name.
    ///
    /// # Errors
    /// [`Error::ArchNeeded`] if neither says which architecture it is, [`Error::OtherArch`] if they differ; else as
    /// [`crate::load_pretrained`].
    pub fn from_file(path: &Path, arch: Option<&Arch>) -> Result<Self> {
        let file = WeightsFile::open(path)?;
        let arch = file.resolve(arch)?;
        let classes = match classes_of(&file, &arch)? {
            Some(classes) if classes > 0 => classes,
            _ => {
                let reason = "has no classifier, so it can't predict; train one on it: effmix train DATA --weights FILE";
                return Err(Error::malformed(path, reason));
            }
        };
        let network = load_whole(&file, &arch, classes)?.into_evaluator()?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let card = ModelCard {
            arch,
            classes: match file.classes(classes)? {
                Some(names) => names,
                None => (0..classes).map(|class| class.to_string()).collect(),
            },
            networks: vec![name],
            version: env!("CARGO_PKG_VERSION").to_string(),
        };
        Ok(Self { card, networks: vec![network] })
    }

    /// Length F of the global feature.
    pub fn feature_len(&self) -> usize {
        self.networks.first().map_or(0, Evaluator::feature_len)
    }

    /// Mean of the networks' logits: [N, H, W, 3] -> [N, classes].
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn logits(&self, images: &Tensor) -> CandleResult<Tensor> {
        self.mean(|network| network.logits(images))
    }

    /// Mean of the logits of several views: [N, H, W, 3] -> [N, classes].
    ///
    /// # Errors
    /// As of [`TestViews::of`].
    pub fn logits_of_views(&self, images: &Tensor, views: TestViews) -> CandleResult<Tensor> {
        let views = views.of(images)?;
        let logits = views.iter().map(|view| self.logits(view)).collect::<CandleResult<Vec<_>>>()?;
        Tensor::stack(&logits, 0)?.mean(0)
    }

    /// What each place of an image adds to each of [`SavedModel::logits`], [`Evaluator::class_activation_maps`]:
    /// [N, H, W, 3] -> [N, h, w, classes].
    ///
    /// # Errors
    /// As there.
    pub fn class_activation_maps(&self, images: &Tensor) -> CandleResult<Tensor> {
        self.mean(|network| network.class_activation_maps(images))
    }

    fn mean(&self, of: impl Fn(&Evaluator) -> CandleResult<Tensor>) -> CandleResult<Tensor> {
        let mut sum: Option<Tensor> = None;
        for network in &self.networks {
            let one = of(network)?;
            sum = Some(match sum {
                Some(sum) => (sum + one)?,
                None => one,
            });
        }
        match sum {
            Some(sum) => sum.affine(1.0 / self.networks.len() as f64, 0.0),
            None => candle_core::bail!("the model has no networks"),
        }
    }

    /// The first network's global feature: [N, H, W, 3] -> [N, F]. Networks that were trained apart have no features in
    /// common, so there is no mean of them.
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn embeddings(&self, images: &Tensor) -> CandleResult<Tensor> {
        let Some(network) = self.networks.first() else { candle_core::bail!("the model has no networks") };
        network.features(images)
    }
}
