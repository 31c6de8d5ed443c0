//! The networks of a run: made, started from pretrained weights, and written so that one can predict with them.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use dividemix::{Network, Purpose, Stream, Trainable};
use effnet_model::{
    Arch, BodyCard, Classifier, EfficientNet, Library, ModelCard, ParameterStore, Pretrained, Rescale,
    load_pretrained, save_body, save_for, save_head,
};

use super::open::{hasher_of, open_weights};
use crate::data::Encoder;
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
    /// The networks on whose features heads alone are trained; none where whole networks are.
    bodies: Vec<FrozenBody>,
    /// Length of the features that heads alone are trained on.
    features: Option<usize>,
    /// Whether the pretrained weights' classifier was for other classes, so that the networks' are new.
    pub(crate) classifier_made_new: bool,
}

/// A pretrained network, of which the classifier is not used.
pub(crate) struct FrozenBody {
    arch: Arch,
    network: EfficientNet,
    /// From images as the first body gets them to this one's.
    rescale: Option<Rescale>,
    /// Hash of the weights' content, the architecture, and how images are prepared.
    key: blake3::Hash,
    store: ParameterStore,
}

impl FrozenBody {
    /// Reads a body's weights. Images are prepared for `first`, which is the only one or the first of several.
    pub(crate) fn read(
        arch: &Arch,
        first: &Arch,
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
        let rescale = Rescale::between(first, arch)?;
        if rescale.is_some() {
            hasher.update(as_json(first)?.as_bytes());
        }
        Ok(Self { arch: arch.clone(), network, rescale, key: hasher.finalize(), store })
    }

    /// What computes its features.
    pub(crate) fn encoder<'a>(&'a self, device: &'a Device) -> Encoder<'a> {
        Encoder { device, network: &self.network, rescale: self.rescale.as_ref(), key: self.key }
    }
}

impl Networks {
    /// `count` networks with first weights of their own each, all from the pretrained weights if there are any; heads alone on `features`,
    /// which are those of the bodies, or one's own.
    pub(crate) fn new(
        arch: &Arch,
        classes: &[String],
        count: usize,
        seed: u64,
        weights: Option<WeightsSource<'_>>,
        (bodies, features): (Vec<FrozenBody>, Option<usize>),
        device: &Device,
    ) -> Result<Self> {
        let mut trained: Vec<Box<dyn Network>> = Vec::new();
        let mut stores = Vec::new();
        let mut classifier_made_new = false;
        let weights = weights.filter(|_| features.is_none()).map(open_weights).transpose()?;
        for number in 0..count {
            let seed = Stream::new(seed, Purpose::Initialise).at(number as u64).key();
            let (network, store) = match (features, &weights) {
                (Some(features), _) => head(arch, features, classes.len(), seed, device)?,
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
            bodies,
            features,
            classifier_made_new,
        })
    }

    /// The networks on whose features heads alone are trained.
    pub(crate) fn bodies(&self) -> &[FrozenBody] {
        &self.bodies
    }

    /// Writes `model/`: each network whole, or several bodies and the heads, and the card.
    pub(crate) fn save(&self, model: &Path) -> Result<()> {
        replace_file::create_folder(model).map_err(Error::io("can't create", model))?;
        let networks = (1..=self.stores.len()).map(|number| format!("net{number}.safetensors")).collect();
        let mut card = ModelCard::new(self.arch.clone(), self.classes.clone(), networks);
        card.features = self.features.filter(|_| self.bodies.is_empty());
        if let [_, _, ..] = &self.bodies[..] {
            for (body, number) in self.bodies.iter().zip(1..) {
                let weights = format!("body{number}.safetensors");
                save_body(&model.join(&weights), &body.arch, &body.store)?;
                card.bodies.push(BodyCard { arch: body.arch.clone(), weights });
            }
        }
        for (name, store) in card.networks.iter().zip(&self.stores) {
            let path = model.join(name);
            match card.has_heads() {
                true => save_head(&path, &self.classes, store)?,
                false => drop(save_for(Library::Effmix, &path, &card, &self.whole(store)?)?),
            }
        }
        Ok(card.write(model)?)
    }

    /// All parameters of a network: with one frozen body, the body's with this head.
    fn whole(&self, store: &ParameterStore) -> Result<ParameterStore> {
        let Some(body) = self.bodies.first() else { return Ok(store.clone()) };
        let mut tensors: HashMap<String, Tensor> = body.store.tensors()?.into_iter().collect();
        tensors.extend(store.tensors()?);
        let (_, whole) = build(&self.arch, self.classes.len(), 0, &Device::Cpu)?;
        whole.load(&tensors)?;
        Ok(whole)
    }
}

/// Networks with first weights, or heads alone on features of this length, to measure with.
pub(crate) fn throwaway(
    arch: &Arch,
    classes: usize,
    count: usize,
    heads: Option<usize>,
    seed: u64,
    device: &Device,
) -> Result<Vec<Box<dyn Network>>> {
    let one = |number: usize| -> Result<Box<dyn Network>> {
        let seed = seed.wrapping_add(number as u64);
        if let Some(features) = heads {
            return Ok(head(arch, features, classes, seed, device)?.0);
        }
        Ok(trainable(build(arch, classes, seed, device)?).0)
    };
    (0..count).map(one).collect()
}

fn trainable((network, store): (EfficientNet, ParameterStore)) -> (Box<dyn Network>, ParameterStore) {
    (Box::new(Trainable { network, store: store.clone() }), store)
}

/// A head on features of this length.
fn head(
    arch: &Arch,
    features: usize,
    classes: usize,
    seed: u64,
    device: &Device,
) -> Result<(Box<dyn Network>, ParameterStore)> {
    let store = ParameterStore::new(seed, device);
    let vb = store.var_builder().pp("classifier");
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
