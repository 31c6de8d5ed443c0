//! A saved model: a folder with a card and the weights of one or more networks, read back.

use std::path::Path;

use candle_core::{Device, Result as CandleResult, Tensor};

use crate::arch::Arch;
use crate::card::{BodyCard, ModelCard, card_of};
use crate::classifier::{CLASSIFIER, Classifier, ClassifierEvaluator};
use crate::error::{Error, Result};
use crate::evaluator::Evaluator;
use crate::joined::JoinedEncoder;
use crate::metadata::imagenet_classes;
use crate::network::EfficientNet;
use crate::pretrained::{Pretrained, check_fit, classes_of, load_pretrained, load_whole};
use crate::store::ParameterStore;
use crate::views::TestViews;
use crate::weights::{WeightsFile, read_weights};

/// A model read back: its networks predict together.
#[derive(Debug, Clone)]
pub struct SavedModel {
    /// The model's card.
    pub card: ModelCard,
    parts: Parts,
    /// Whether the file names the classes. If not, their names are numbers, or ImageNet's by a guess.
    pub has_names: bool,
}

/// What predicts.
#[derive(Debug, Clone)]
enum Parts {
    /// Whole networks, in the card's order.
    Whole(Vec<Evaluator>),
    /// Classifiers on the features of an encoder, or, without one, on features of one's own.
    Heads(Option<JoinedEncoder>, Vec<ClassifierEvaluator>),
}

impl SavedModel {
    /// Opens the folder of a model, or of a run that has a model in it, to predict on `device`.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no card or no weights; [`Error::Malformed`] and [`Error::WeightsMismatch`] if they are
    /// damaged or don't belong together.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let (folder, card) = card_of(path)?;
        let parts = match card.has_heads() {
            false => Parts::Whole(networks_of(&folder, &card, device, ready)?),
            true => {
                let bodies = bodies_of(&folder, &card, device, ready)?;
                let bodies = card.bodies.iter().map(|body| body.arch.clone()).zip(bodies).collect::<Vec<_>>();
                let encoder = if bodies.is_empty() { None } else { Some(JoinedEncoder::new(bodies)?) };
                let heads = heads_of(&folder, &card, device)?;
                let heads = heads.iter().map(Classifier::evaluator).collect::<CandleResult<_>>()?;
                Parts::Heads(encoder, heads)
            }
        };
        Ok(Self { card, parts, has_names: true })
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
        Ok(Self { card, parts: Parts::Whole(vec![network]), has_names })
    }

    /// Length F of the global feature; with several bodies of all of them side by side.
    pub fn feature_len(&self) -> usize {
        match &self.parts {
            Parts::Whole(networks) => networks.first().map_or(0, Evaluator::feature_len),
            Parts::Heads(..) => self.card.feature_len().unwrap_or_default(),
        }
    }

    /// All that the networks make of images, in one pass through each: [N, H, W, 3].
    ///
    /// # Errors
    /// If `images` has another shape; if the model takes features of one's own.
    pub fn outputs(&self, images: &Tensor) -> CandleResult<Outputs> {
        let networks = match &self.parts {
            Parts::Whole(networks) => networks,
            Parts::Heads(None, _) => candle_core::bail!("the model takes features, not images"),
            Parts::Heads(Some(encoder), _) => {
                let embeddings = encoder.features(images)?;
                let logits = self.logits_of_features(&embeddings)?;
                return Ok(Outputs { logits, embeddings, local_features: Vec::new() });
            }
        };
        let encode = |network: &Evaluator| network.encode(images);
        let local_features = networks.iter().map(encode).collect::<CandleResult<Vec<_>>>()?;
        let global_features = local_features.iter().map(effnet_ops::global_avg_pool);
        let global_features = global_features.collect::<CandleResult<Vec<_>>>()?;
        let Some(embeddings) = global_features.first().cloned() else {
            candle_core::bail!("the model has no networks")
        };
        let logits = mean_of_each(networks, &global_features, Evaluator::classify)?;
        Ok(Outputs { logits, embeddings, local_features })
    }

    /// Mean of the logits of features: [N, F] -> [N, classes]. Whole networks must have one body, and the features be that body's.
    ///
    /// # Errors
    /// If `features` has another shape.
    pub fn logits_of_features(&self, features: &Tensor) -> CandleResult<Tensor> {
        match &self.parts {
            Parts::Whole(networks) => {
                mean(networks.iter().map(|network| network.classify(features)), networks.len())
            }
            Parts::Heads(_, heads) => mean(heads.iter().map(|head| head.logits(features)), heads.len()),
        }
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
    /// If the features are not those of this model's networks, or have another shape; if the model has several bodies, or none.
    pub fn class_activation_maps(&self, local_features: &[Tensor]) -> CandleResult<Tensor> {
        match &self.parts {
            Parts::Whole(networks) => {
                mean_of_each(networks, local_features, Evaluator::class_activation_maps)
            }
            Parts::Heads(..) => candle_core::bail!("only a model of one body has class activation maps"),
        }
    }
}

/// The mean over the networks of what each makes of what it is given.
fn mean_of_each(
    networks: &[Evaluator],
    given: &[Tensor],
    of: impl Fn(&Evaluator, &Tensor) -> CandleResult<Tensor>,
) -> CandleResult<Tensor> {
    if given.len() != networks.len() {
        candle_core::bail!("features of {} networks for a model of {}", given.len(), networks.len());
    }
    mean(networks.iter().zip(given).map(|(network, given)| of(network, given)), networks.len())
}

/// The mean of so many tensors.
fn mean(mut tensors: impl Iterator<Item = CandleResult<Tensor>>, count: usize) -> CandleResult<Tensor> {
    let Some(first) = tensors.next() else { candle_core::bail!("the model has no networks") };
    tensors.try_fold(first?, |sum, one| sum + one?)?.affine(1.0 / count as f64, 0.0)
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
    /// The errors of [`SavedModel::open`]; [`Error::Heads`] for a model of several bodies, or of features of one's own.
    pub fn open(path: &Path) -> Result<Self> {
        let (folder, card) = card_of(path)?;
        if card.has_heads() {
            let features = match card.bodies.is_empty() {
                true => "features of one's own",
                false => "the features of several networks side by side",
            };
            return Err(Error::Heads { path: folder, features });
        }
        let networks = networks_of(&folder, &card, &Device::Cpu, |network, store| Ok((network, store)))?;
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

/// A model's classifiers on the features of several bodies, or on features of one's own, to be written in another form: on the CPU.
#[derive(Debug)]
pub struct SavedHeads {
    /// The model's card.
    pub card: ModelCard,
    /// The bodies in the card's order.
    pub bodies: Vec<EfficientNet>,
    /// The classifiers in the card's order.
    pub heads: Vec<Classifier>,
}

impl SavedHeads {
    /// Opens the folder of a model, as [`SavedModel::open`] does; `None` where its networks are whole.
    ///
    /// # Errors
    /// The errors of [`SavedModel::open`].
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let (folder, card) = card_of(path)?;
        if !card.has_heads() {
            return Ok(None);
        }
        let bodies = bodies_of(&folder, &card, &Device::Cpu, |network, _| Ok(network))?;
        let heads = heads_of(&folder, &card, &Device::Cpu)?;
        Ok(Some(Self { card, bodies, heads }))
    }
}

/// The network for prediction. The parameters are dropped first, so that they are not in memory twice.
fn ready(network: EfficientNet, store: ParameterStore) -> Result<Evaluator> {
    drop(store);
    Ok(network.into_evaluator()?)
}

/// A model's networks, each made into something as soon as it is read.
fn networks_of<T>(
    folder: &Path,
    card: &ModelCard,
    device: &Device,
    make: impl Fn(EfficientNet, ParameterStore) -> Result<T>,
) -> Result<Vec<T>> {
    let network = |name: &String| {
        let file = WeightsFile::open(&folder.join(name))?;
        let (network, store) = load_whole(&file, &card.arch, card.classes.len(), device)?;
        make(network, store)
    };
    card.networks.iter().map(network).collect()
}

/// A model's bodies, each made into something as soon as it is read. Their classifiers mean nothing.
fn bodies_of<T>(
    folder: &Path,
    card: &ModelCard,
    device: &Device,
    make: impl Fn(EfficientNet, ParameterStore) -> Result<T>,
) -> Result<Vec<T>> {
    let body = |body: &BodyCard| {
        let file = WeightsFile::open(&folder.join(&body.weights))?;
        let Pretrained { network, store, .. } = load_pretrained(&file, &body.arch, 1, 0, device)?;
        make(network, store)
    };
    card.bodies.iter().map(body).collect()
}

/// A model's classifiers.
fn heads_of(folder: &Path, card: &ModelCard, device: &Device) -> Result<Vec<Classifier>> {
    let head = |name: &String| {
        let file = WeightsFile::open(&folder.join(name))?;
        let (kind, features, classes) = (card.arch.classifier, card.feature_len()?, card.classes.len());
        let store = ParameterStore::new(0, device);
        let head = Classifier::new(kind, features, classes, 0.0, store.var_builder().pp(CLASSIFIER))?;
        match store.load(&read_weights(file.path())?) {
            Err(Error::Mismatch(mismatch)) => Err(file.malformed(mismatch.to_string())),
            loaded => loaded.map(|()| head),
        }
    };
    card.networks.iter().map(head).collect()
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
    let name = file.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let card = ModelCard::new(arch, classes, vec![name]);
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
    /// Each network's map of local features, [N, h, w, F]; nothing of a model of several bodies.
    pub local_features: Vec<Tensor>,
}
