//! The networks of a run: made, started from pretrained weights, and written so that one can predict with them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use effnet_model::{
    Arch, Classifier, EfficientNet, Library, ModelCard, ParameterStore, Pretrained, WeightsFile,
    load_pretrained, save_for,
};

use super::folder::RunFolder;
use super::hub::{locate, on_disk};
use crate::{Error, Network, Purpose, Result, Stream, Trainable};

/// The networks that are trained, and what more it takes to predict with them.
pub(crate) struct Networks {
    arch: Arch,
    classes: Vec<String>,
    /// What the loop trains.
    pub(crate) trained: Vec<Box<dyn Network>>,
    /// Where each trained network's parameters are.
    stores: Vec<ParameterStore>,
    /// The frozen body, if there is one: trained are heads alone.
    body: Option<FrozenBody>,
    /// Whether the pretrained weights' classifier was for other classes, so that the networks' are new.
    pub(crate) classifier_made_new: bool,
}

/// A pretrained network, of which the classifier is not used.
pub(crate) struct FrozenBody {
    pub(crate) network: EfficientNet,
    /// Hash of the weights' content and the architecture.
    pub(crate) key: blake3::Hash,
    store: ParameterStore,
}

impl FrozenBody {
    /// Reads the body's weights.
    pub(crate) fn read(arch: &Arch, classes: usize, weights: &Path) -> Result<Self> {
        let file = open_weights(weights)?;
        let Pretrained { network, store, .. } = load_pretrained(&file, arch, classes, 0)?;
        let mut hasher = hasher_of(file.path())?;
        // What is dropped in training changes no feature: they are computed in evaluation.
        let evaluated = Arch { dropout: 0.0, drop_path: 0.0, ..arch.clone() };
        hasher.update(as_json(&evaluated)?.as_bytes());
        Ok(Self { network, key: hasher.finalize(), store })
    }
}

impl Networks {
    /// `count` networks with first weights of their own each, all from the pretrained weights if there are any.
    pub(crate) fn new(
        arch: &Arch,
        classes: &[String],
        count: usize,
        seed: u64,
        weights: Option<&Path>,
        body: Option<FrozenBody>,
    ) -> Result<Self> {
        let mut trained: Vec<Box<dyn Network>> = Vec::new();
        let mut stores = Vec::new();
        let mut classifier_made_new = false;
        let weights = weights.filter(|_| body.is_none()).map(open_weights).transpose()?;
        for number in 0..count {
            let seed = Stream::new(seed, Purpose::Initialise).at(number as u64).key();
            let (network, store) = match (&body, &weights) {
                (Some(_), _) => head(arch, classes.len(), seed)?,
                (None, None) => trainable(build(arch, classes.len(), seed)?),
                (None, Some(weights)) => {
                    let pretrained = load_pretrained(weights, arch, classes.len(), seed)?;
                    classifier_made_new |= pretrained.classifier_made_new;
                    trainable((pretrained.network, pretrained.store))
                }
            };
            trained.push(network);
            stores.push(store);
        }
        Ok(Self { arch: arch.clone(), classes: classes.to_vec(), trained, stores, body, classifier_made_new })
    }

    /// The frozen body, if there is one.
    pub(crate) fn body(&self) -> Option<&FrozenBody> {
        self.body.as_ref()
    }

    /// Writes `model/`: each network whole, body and classifier, and the card.
    pub(crate) fn save(&self, folder: &RunFolder) -> Result<()> {
        let model = folder.model();
        std::fs::create_dir_all(&model).map_err(Error::io("can't create", &model))?;
        let card = ModelCard {
            arch: self.arch.clone(),
            classes: self.classes.clone(),
            networks: (1..=self.stores.len()).map(|number| format!("net{number}.safetensors")).collect(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        for (name, store) in card.networks.iter().zip(&self.stores) {
            save_for(Library::Effmix, &model.join(name), &card, &self.whole(store)?)?;
        }
        Ok(card.write(&model)?)
    }

    /// All parameters of a network: with a frozen body, the body's with this head.
    fn whole(&self, store: &ParameterStore) -> Result<ParameterStore> {
        let Some(body) = &self.body else { return Ok(store.clone()) };
        let mut tensors: HashMap<String, Tensor> = body.store.tensors()?.into_iter().collect();
        tensors.extend(store.tensors()?);
        let (_, whole) = build(&self.arch, self.classes.len(), 0)?;
        whole.load(&tensors)?;
        Ok(whole)
    }
}

/// Networks with first weights, or heads alone, to measure with.
pub(super) fn throwaway(
    arch: &Arch,
    classes: usize,
    count: usize,
    heads: bool,
    seed: u64,
) -> Result<Vec<Box<dyn Network>>> {
    let one = |number: usize| -> Result<Box<dyn Network>> {
        let seed = seed.wrapping_add(number as u64);
        if heads {
            return Ok(head(arch, classes, seed)?.0);
        }
        Ok(trainable(build(arch, classes, seed)?).0)
    };
    (0..count).map(one).collect()
}

fn trainable((network, store): (EfficientNet, ParameterStore)) -> (Box<dyn Network>, ParameterStore) {
    (Box::new(Trainable { network, store: store.clone() }), store)
}

/// A head on the features of a frozen body.
fn head(arch: &Arch, classes: usize, seed: u64) -> Result<(Box<dyn Network>, ParameterStore)> {
    let store = ParameterStore::new(seed, &Device::Cpu);
    let (features, vb) = (arch.plan()?.head, store.var_builder().pp("classifier"));
    let network = Classifier::new(arch.classifier, features, classes, arch.dropout, vb)?;
    Ok((Box::new(Trainable { network, store: store.clone() }), store))
}

pub(super) fn build(arch: &Arch, classes: usize, seed: u64) -> Result<(EfficientNet, ParameterStore)> {
    let store = ParameterStore::new(seed, &Device::Cpu);
    Ok((EfficientNet::new(arch, classes, store.var_builder())?, store))
}

/// The folder with `model.json` that a path means: itself, or `model/` in it.
fn model_folder(path: &Path) -> Option<PathBuf> {
    [path.join("model"), path.to_owned()].into_iter().find(|folder| folder.join("model.json").is_file())
}

/// The weights that a path or a name means: of a run, its first network's.
pub(super) fn open_weights(path: &Path) -> Result<WeightsFile> {
    Ok(WeightsFile::open(&weights_file(path)?)?)
}

/// Hash of the content of the weights that a path or a name means; for `config.toml`.
pub(super) fn content_hash(weights: &Path) -> Result<String> {
    Ok(format!("blake3:{}", hasher_of(&weights_file(weights)?)?.finalize().to_hex()))
}

fn hasher_of(file: &Path) -> Result<blake3::Hasher> {
    let mut hasher = blake3::Hasher::new();
    let opened = std::fs::File::open(file).map_err(Error::io("can't read", file))?;
    hasher.update_reader(opened).map_err(Error::io("can't read", file))?;
    Ok(hasher)
}

/// The file that a path or a name means.
fn weights_file(path: &Path) -> Result<PathBuf> {
    let Some(folder) = model_folder(path) else {
        if on_disk(path) && !path.exists() {
            let problem = "no such run folder, model folder or file of weights; give another path, or put it there again";
            return Err(Error::Format { path: path.to_owned(), problem: problem.to_owned() });
        }
        return locate(path, None, &|_| ());
    };
    let card = ModelCard::read(&folder)?;
    let none =
        || Error::Format { path: folder.clone(), problem: "its model.json names no network".to_owned() };
    Ok(folder.join(card.networks.first().ok_or_else(none)?))
}

fn as_json(arch: &Arch) -> Result<String> {
    serde_json::to_string(arch).map_err(|e| Error::Data(format!("{}: {e}", arch.name)))
}
