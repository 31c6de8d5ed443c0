//! A model that can predict.

use std::path::Path;

use effnet_model::SavedModel;
use image_folder::Transform;

use super::source::ModelSource;
use crate::data::{ToTensor, transform_for};
use crate::device::{Attempt, ComputeDevice};
use crate::nearest::did_you_mean;
use crate::settings::Augment;
use crate::{Error, Result};

/// Images in a batch, where nothing else was asked for.
const BATCH: usize = 64;

/// Names of classes that an error lists.
const NAMED: usize = 10;

/// How a model is opened.
#[derive(Debug, Clone)]
pub struct ModelOptions {
    /// Architecture of a file of weights, where its tensors leave it open.
    pub arch: Option<String>,
    /// Which weights are taken of a file that holds several: the keys of their dictionary, with dots between them. The plainest, where
    /// it is `None`.
    pub weights_key: Option<String>,
    /// Side of the square images that the network gets, in pixels; the model's own where it is `None`.
    pub size: Option<usize>,
    /// Number of images that go through the network together.
    pub batch: usize,
    /// What computes; the CPU, where nothing else was asked for.
    pub device: ComputeDevice,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self { arch: None, weights_key: None, size: None, batch: BATCH, device: ComputeDevice::cpu() }
    }
}

/// A model that can predict, and how images are prepared for it.
///
/// ```no_run
/// let model = effmix::Model::open("runs/photos-1")?;
/// for prediction in model.predict(["cat.jpg"])? {
///     println!("{}: {:?}", prediction.path, prediction.best());
/// }
/// # Ok::<(), effmix::Error>(())
/// ```
pub struct Model {
    pub(crate) saved: SavedModel,
    pub(crate) transform: Transform,
    /// Images in a batch.
    pub(crate) batch: usize,
    /// Side of the smallest images that the network takes.
    pub(crate) smallest: usize,
    pub(crate) to_tensor: ToTensor,
    pub(crate) device: ComputeDevice,
}

impl Model {
    /// Opens a model: a run folder, its `model/` folder, a file of weights, or a name of weights on a hub.
    ///
    /// # Errors
    /// As [`Model::open_with`].
    pub fn open(model: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(model.as_ref(), &ModelOptions::default(), &|_| ())
    }

    /// Opens a model with `options`. `tell` gets a sentence before anything large is fetched, and one about the weights that are taken of
    /// a file that holds more.
    ///
    /// # Errors
    /// There is no such model; its files are damaged; an architecture is missing or another one; a size out of range; the device's.
    pub fn open_with(model: &Path, options: &ModelOptions, tell: &dyn Fn(&str)) -> Result<Self> {
        // Weights alone are no batch.
        Self::read(model, options, tell).map_err(|error| options.device.explained(error, &Attempt::default()))
    }

    fn read(model: &Path, options: &ModelOptions, tell: &dyn Fn(&str)) -> Result<Self> {
        let device = options.device.candle();
        let (arch, key) = (options.arch.as_deref(), options.weights_key.as_deref());
        let saved = match ModelSource::find(model, arch, key, tell)? {
            ModelSource::Folder(path) => SavedModel::open(&path, device)?,
            ModelSource::File(file, arch) => SavedModel::from_weights(&file, arch.as_ref(), device)?,
        };
        let mut arch = saved.card.arch.clone();
        if let Some(size) = options.size {
            arch = arch.with_size(size);
            arch.check()?;
        }
        let bodies = saved.card.bodies.iter().map(|body| body.arch.smallest_size());
        let smallest = bodies.fold(arch.smallest_size(), usize::max);
        let transform = transform_for(&arch, Augment::None);
        let to_tensor = ToTensor::new(&transform, device)?;
        let (batch, device) = (options.batch.max(1), options.device.clone());
        Ok(Self { saved, transform, batch, smallest, to_tensor, device })
    }

    /// Names of the classes, in the order of the logits.
    pub fn classes(&self) -> &[String] {
        &self.saved.card.classes
    }

    /// Names of the classes; `None` where the weights don't name them, and they have numbers.
    pub fn class_names(&self) -> Option<&[String]> {
        self.saved.has_names.then(|| self.classes())
    }

    /// Whether the model has class activation maps: one of several bodies has not, nor has one of features of one's own.
    pub fn has_activation_maps(&self) -> bool {
        !self.saved.card.has_heads()
    }

    /// Length of an embedding.
    pub fn embedding_len(&self) -> usize {
        self.saved.feature_len()
    }

    /// The position among the model's classes of each of `classes`: by name, or by number where the model has no names.
    ///
    /// # Errors
    /// [`Error::Data`] for a class that the model doesn't know, or for another number of classes where it has no names.
    pub fn positions_of(&self, classes: &[String]) -> Result<Vec<usize>> {
        let own = self.classes();
        if !self.saved.has_names {
            return if own.len() == classes.len() {
                Ok((0..classes.len()).collect())
            } else {
                let problem =
                    format!("the weights have {} classes and the data {}", own.len(), classes.len());
                Err(Error::Data(format!(
                    "{problem}; a file of weights doesn't name its classes, so they must be as many"
                )))
            };
        }
        let position = |class: &String| {
            own.iter().position(|name| name == class).ok_or_else(|| {
                let more = if own.len() > NAMED { ", ..." } else { "" };
                let known = own[..own.len().min(NAMED)].join(", ");
                let meant = did_you_mean(class, own);
                Error::Data(format!("the model doesn't know class {class:?}{meant}; it knows {known}{more}"))
            })
        };
        classes.iter().map(position).collect()
    }
}
