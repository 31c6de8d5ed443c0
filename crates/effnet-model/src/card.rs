//! A saved model: a folder with the weights of one or more networks and a card that says what they are.

use std::collections::BTreeSet;
use std::path::Path;

use candle_core::{Device, Result as CandleResult, Tensor};
use serde::{Deserialize, Serialize};

use crate::arch::Arch;
use crate::error::{Error, Result};
use crate::evaluator::Evaluator;
use crate::metadata::imagenet_classes;
use crate::network::EfficientNet;
use crate::pretrained::{check_fit, classes_of, load_whole};
use crate::store::ParameterStore;
use crate::views::TestViews;
use crate::weights::{WeightsFile, write_atomically};

/// Name of the card in a model's folder.
const CARD: &str = "model.json";

/// Name of a model's folder inside the folder of a run.
const MODEL_FOLDER: &str = "model";

/// The description of a saved model, which together with its weights is enough to predict.
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
    /// [`Error::Io`] if there is no such file; [`Error::Malformed`], with line and column, if it is not a card or its fields
    /// contradict each other.
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
        let distinct: BTreeSet<&String> = card.networks.iter().collect();
        if distinct.len() < card.networks.len() {
            return Err(Error::malformed(&path, "names a network twice"));
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
    /// The model's card.
    pub card: ModelCard,
    /// The networks, in the card's order.
    networks: Vec<Evaluator>,
    /// Whether the file names the classes. If not, their names are numbers, or ImageNet's by a guess.
    pub has_names: bool,
}

impl SavedModel {
    /// Opens the folder of a model, or of a run that has a model in it, to predict on `device`.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no card or no weights; [`Error::Malformed`] and [`Error::WeightsMismatch`] if they are
    /// damaged or don't belong together.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let (card, networks) = networks_of(path, device, ready)?;
        Ok(Self { card, networks, has_names: true })
    }

    /// One network from a bare file of weights, to predict on `device`. Its classes have the names that the file tells ([`WeightsFile::classes`]); a
    /// published file of 1000 that tells none, ImageNet's; others are numbered from "0". Without `arch` the file tells which
    /// architecture it is ([`WeightsFile::identify`]). What it records counts, and `arch` must have its name
    /// ([`WeightsFile::resolve`]).
    ///
    /// # Errors
    /// [`Error::ArchNeeded`] if the file fits several and there is no `arch`, [`Error::OtherArch`] if `arch` is not what the file
    /// records; else as [`crate::load_pretrained`].
    pub fn from_file(path: &Path, arch: Option<&Arch>, device: &Device) -> Result<Self> {
        Self::from_weights(&WeightsFile::open(path)?, arch, device)
    }

    /// As [`SavedModel::from_file`], from an opened file.
    ///
    /// # Errors
    /// The errors of [`SavedModel::from_file`].
    pub fn from_weights(file: &WeightsFile, arch: Option<&Arch>, device: &Device) -> Result<Self> {
        let (card, has_names, network) = network_of(file, arch, device, ready)?;
        Ok(Self { card, networks: vec![network], has_names })
    }

    /// Length F of the global feature.
    pub fn feature_len(&self) -> usize {
        self.networks.first().map_or(0, Evaluator::feature_len)
    }

    /// All that the networks make of images, in one pass through each: [N, H, W, 3].
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn outputs(&self, images: &Tensor) -> CandleResult<Outputs> {
        let encode = |network: &Evaluator| network.encode(images);
        let local_features = self.networks.iter().map(encode).collect::<CandleResult<Vec<_>>>()?;
        let global_features = local_features.iter().map(effnet_ops::global_avg_pool);
        let global_features = global_features.collect::<CandleResult<Vec<_>>>()?;
        let Some(embeddings) = global_features.first().cloned() else {
            candle_core::bail!("the model has no networks")
        };
        let logits = self.mean(&global_features, Evaluator::classify)?;
        Ok(Outputs { logits, embeddings, local_features })
    }

    /// Mean of the networks' logits: [N, H, W, 3] -> [N, classes].
    ///
    /// # Errors
    /// If `images` has another shape.
    pub fn logits(&self, images: &Tensor) -> CandleResult<Tensor> {
        Ok(self.outputs(images)?.logits)
    }

    /// Mean of the logits of several views: [N, H, W, 3] -> [N, classes].
    ///
    /// # Errors
    /// The errors of [`TestViews::of`].
    pub fn logits_of_views(&self, images: &Tensor, views: TestViews) -> CandleResult<Tensor> {
        let views = views.of(images)?;
        let logits = views.iter().map(|view| self.logits(view)).collect::<CandleResult<Vec<_>>>()?;
        Tensor::stack(&logits, 0)?.mean(0)
    }

    /// Class activation maps of each of [`SavedModel::logits`] ([`Evaluator::class_activation_maps`]), the mean over networks, from
    /// [`Outputs::local_features`]: [N, h, w, F] of each network -> [N, h, w, classes].
    ///
    /// # Errors
    /// If the features are not those of this model's networks, or have another shape.
    pub fn class_activation_maps(&self, local_features: &[Tensor]) -> CandleResult<Tensor> {
        self.mean(local_features, Evaluator::class_activation_maps)
    }

    /// The mean over the networks of what each makes of what it is given.
    fn mean(
        &self,
        given: &[Tensor],
        of: impl Fn(&Evaluator, &Tensor) -> CandleResult<Tensor>,
    ) -> CandleResult<Tensor> {
        if given.len() != self.networks.len() {
            candle_core::bail!("features of {} networks for a model of {}", given.len(), self.networks.len());
        }
        let mut sum: Option<Tensor> = None;
        for (network, given) in self.networks.iter().zip(given) {
            let one = of(network, given)?;
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
}

/// A model's networks as they can be trained on, or written in another form: on the CPU.
#[derive(Debug)]
pub struct SavedNetworks {
    /// The model's card.
    pub card: ModelCard,
    /// Each with its parameters, in the card's order.
    pub networks: Vec<(EfficientNet, ParameterStore)>,
}

impl SavedNetworks {
    /// Opens the folder of a model, as [`SavedModel::open`] does.
    ///
    /// # Errors
    /// The errors of [`SavedModel::open`].
    pub fn open(path: &Path) -> Result<Self> {
        let (card, networks) = networks_of(path, &Device::Cpu, |network, store| Ok((network, store)))?;
        Ok(Self { card, networks })
    }

    /// Makes one network from a bare file of weights, as [`SavedModel::from_weights`] does.
    ///
    /// # Errors
    /// The errors of [`SavedModel::from_file`].
    pub fn from_weights(file: &WeightsFile, arch: Option<&Arch>) -> Result<Self> {
        let (card, _, network) = network_of(file, arch, &Device::Cpu, |network, store| Ok((network, store)))?;
        Ok(Self { card, networks: vec![network] })
    }
}

/// The network for prediction. The parameters are dropped first, so that they are not in memory twice.
fn ready(network: EfficientNet, store: ParameterStore) -> Result<Evaluator> {
    drop(store);
    Ok(network.into_evaluator()?)
}

/// The networks of a model's folder, each made into something as soon as it is read.
fn networks_of<T>(
    path: &Path,
    device: &Device,
    make: impl Fn(EfficientNet, ParameterStore) -> Result<T>,
) -> Result<(ModelCard, Vec<T>)> {
    let inner = path.join(MODEL_FOLDER);
    let folder = if inner.join(CARD).is_file() { inner } else { path.to_path_buf() };
    let card = ModelCard::read(&folder)?;
    let network = |name: &String| {
        let file = WeightsFile::open(&folder.join(name))?;
        let (network, store) = load_whole(&file, &card.arch, card.classes.len(), device)?;
        make(network, store)
    };
    let networks = card.networks.iter().map(network).collect::<Result<_>>()?;
    Ok((card, networks))
}

/// The network of a bare file, with a card for it, and whether it names its classes.
fn network_of<T>(
    file: &WeightsFile,
    arch: Option<&Arch>,
    device: &Device,
    make: impl Fn(EfficientNet, ParameterStore) -> Result<T>,
) -> Result<(ModelCard, bool, T)> {
    let arch = file.resolve(arch)?;
    let count = match classes_of(file, &arch)? {
        Some(count) if count > 0 => count,
        _ => {
            check_fit(file, &arch)?;
            let reason =
                "has no classifier, so it can't predict; train one on it: effmix train DATA --weights FILE";
            return Err(file.malformed(reason));
        }
    };
    let named = file.classes(count)?;
    let has_names = named.is_some();
    let classes = match named {
        Some(names) => names,
        None if file.is_of_imagenet(count)? => imagenet_classes(),
        None => (0..count).map(|class| class.to_string()).collect(),
    };
    let (network, store) = load_whole(file, &arch, count, device)?;
    let card = ModelCard {
        arch,
        classes,
        networks: vec![
            file.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        ],
        version: env!("CARGO_PKG_VERSION").to_string(),
    };
    Ok((card, has_names, make(network, store)?))
}

/// The results of a model for images.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// Mean of the networks' logits, [N, classes].
    pub logits: Tensor,
    /// The first network's global feature, [N, F]. Networks that were trained apart have no features in common, so there is no
    /// mean of them.
    pub embeddings: Tensor,
    /// Each network's map of local features, [N, h, w, F].
    pub local_features: Vec<Tensor>,
}
