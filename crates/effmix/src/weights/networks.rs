//! The networks of a run: made, started from pretrained weights, and written so that one can predict with them.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use dividemix::{Network, Purpose, Stream, Trainable};
use effnet_model::{
    Arch, Classifier, EfficientNet, Library, ModelCard, ParameterStore, Pretrained, load_pretrained, save_for,
};

use super::open::{hasher_of, open_weights};
use crate::settings::WeightsSource;
use crate::{Error, Result};

/// The networks that are trained, and what more it takes to predict with them.
pub(crate) struct Networks {
    arch: Arch,
    classes: Vec<String>,
    /// What the loop trains.
    pub(crate) trained: Vec<Box<dyn Network>>,
    /// Where each trained network's parameters are.
    stores: Vec<ParameterStore>,
    /// The frozen backbone, if there is one: trained are heads alone.
    backbone: Option<FrozenBackbone>,
    /// Whether the pretrained weights' classifier was for other classes, so that the networks' are new.
    pub(crate) classifier_made_new: bool,
}

/// A pretrained network, of which the classifier is not used.
pub(crate) struct FrozenBackbone {
    pub(crate) network: EfficientNet,
    /// Hash of the weights' content and the architecture.
    pub(crate) key: blake3::Hash,
    store: ParameterStore,
}

impl FrozenBackbone {
    /// Reads the backbone's weights.
    pub(crate) fn read(
        arch: &Arch,
        classes: usize,
        weights: WeightsSource<'_>,
        device: &Device,
    ) -> Result<Self> {
        let file = open_weights(weights)?;
        let Pretrained { network, store, .. } = load_pretrained(&file, arch, classes, 0, device)?;
        let mut hasher = hasher_of(file.path())?;
        // What is dropped in training changes no feature: they are computed in evaluation.
        let evaluated = Arch { dropout: 0.0, drop_path: 0.0, ..arch.clone() };
        hasher.update(as_json(&evaluated)?.as_bytes());
        if let Some(key) = weights.key {
            hasher.update(key.as_bytes());
        }
        // Features differ in their last digits from one kind of device to another.
        if !device.is_cpu() {
            hasher.update(b"on a GPU");
        }
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
        weights: Option<WeightsSource<'_>>,
        backbone: Option<FrozenBackbone>,
        device: &Device,
    ) -> Result<Self> {
        let mut trained: Vec<Box<dyn Network>> = Vec::new();
        let mut stores = Vec::new();
        let mut classifier_made_new = false;
        let weights = weights.filter(|_| backbone.is_none()).map(open_weights).transpose()?;
        for number in 0..count {
            let seed = Stream::new(seed, Purpose::Initialise).at(number as u64).key();
            let (network, store) = match (&backbone, &weights) {
                (Some(_), _) => head(arch, classes.len(), seed, device)?,
                (None, None) => trainable(build(arch, classes.len(), seed, device)?),
                (None, Some(weights)) => {
                    let pretrained = load_pretrained(weights, arch, classes.len(), seed, device)?;
                    classifier_made_new |= pretrained.classifier_made_new;
                    trainable((pretrained.network, pretrained.store))
                }
            };
            trained.push(network);
            stores.push(store);
        }
        Ok(Self {
            arch: arch.clone(),
            classes: classes.to_vec(),
            trained,
            stores,
            backbone,
            classifier_made_new,
        })
    }

    /// The frozen backbone, if there is one.
    pub(crate) fn backbone(&self) -> Option<&FrozenBackbone> {
        self.backbone.as_ref()
    }

    /// Writes `model/`: each network whole, backbone and classifier, and the card.
    pub(crate) fn save(&self, model: &Path) -> Result<()> {
        replace_file::create_folder(model).map_err(Error::io("can't create", model))?;
        let card = ModelCard {
            arch: self.arch.clone(),
            classes: self.classes.clone(),
            networks: (1..=self.stores.len()).map(|number| format!("net{number}.safetensors")).collect(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        for (name, store) in card.networks.iter().zip(&self.stores) {
            save_for(Library::Effmix, &model.join(name), &card, &self.whole(store)?)?;
        }
        Ok(card.write(model)?)
    }

    /// All parameters of a network: with a frozen backbone, the backbone's with this head.
    fn whole(&self, store: &ParameterStore) -> Result<ParameterStore> {
        let Some(backbone) = &self.backbone else { return Ok(store.clone()) };
        let mut tensors: HashMap<String, Tensor> = backbone.store.tensors()?.into_iter().collect();
        tensors.extend(store.tensors()?);
        let (_, whole) = build(&self.arch, self.classes.len(), 0, &Device::Cpu)?;
        whole.load(&tensors)?;
        Ok(whole)
    }
}

/// Networks with first weights, or heads alone, to measure with.
pub(crate) fn throwaway(
    arch: &Arch,
    classes: usize,
    count: usize,
    heads: bool,
    seed: u64,
    device: &Device,
) -> Result<Vec<Box<dyn Network>>> {
    let one = |number: usize| -> Result<Box<dyn Network>> {
        let seed = seed.wrapping_add(number as u64);
        if heads {
            return Ok(head(arch, classes, seed, device)?.0);
        }
        Ok(trainable(build(arch, classes, seed, device)?).0)
    };
    (0..count).map(one).collect()
}

fn trainable((network, store): (EfficientNet, ParameterStore)) -> (Box<dyn Network>, ParameterStore) {
    (Box::new(Trainable { network, store: store.clone() }), store)
}

/// A head on the features of a frozen backbone.
fn head(
    arch: &Arch,
    classes: usize,
    seed: u64,
    device: &Device,
) -> Result<(Box<dyn Network>, ParameterStore)> {
    let store = ParameterStore::new(seed, device);
    let (features, vb) = (arch.plan()?.head, store.var_builder().pp("classifier"));
    let network = Classifier::new(arch.classifier, features, classes, arch.dropout, vb)?;
    Ok((Box::new(Trainable { network, store: store.clone() }), store))
}

pub(crate) fn build(
    arch: &Arch,
    classes: usize,
    seed: u64,
    device: &Device,
) -> Result<(EfficientNet, ParameterStore)> {
    let store = ParameterStore::new(seed, device);
    Ok((EfficientNet::new(arch, classes, store.var_builder())?, store))
}

fn as_json(arch: &Arch) -> Result<String> {
    serde_json::to_string(arch).map_err(|e| Error::Data(format!("{}: {e}", arch.name)))
}
