//! What MODEL means: a run folder, its model folder, a file of weights, or weights on a hub.

use std::path::{Path, PathBuf};

use dividemix::run::{Augment, locate};
use effnet_model::{Arch, SavedModel};
use image_folder::Transform;

use crate::args::Model;
use crate::exit::Failure;
use crate::output::tell;

/// Where MODEL is, fetched if it is on a hub, and the architecture that was said of it.
pub(crate) enum Place {
    /// A run folder, or a model's.
    Folder(PathBuf),
    /// A file of weights.
    File(PathBuf, Option<Arch>),
}

impl Place {
    /// Of what was given as MODEL and `--arch`.
    pub(crate) fn of(model: &Path, arch: Option<&str>) -> Result<Self, Failure> {
        let path = locate(model, arch, &tell)?;
        if path.is_dir() {
            if arch.is_some() {
                let problem = "--arch is for files of weights; a model folder says itself what it is";
                return Err(Failure::Usage(problem.to_owned()));
            }
            return Ok(Self::Folder(path));
        }
        if !path.exists() {
            let path = path.display();
            return Err(Failure::Other(format!(
                "{path}: no such run folder, model folder or file of weights"
            )));
        }
        Ok(Self::File(path, arch.map(Arch::by_name).transpose()?))
    }
}

/// A model that can predict, and how images are made ready for it.
pub(crate) struct Predictor {
    pub(crate) model: SavedModel,
    pub(crate) transform: Transform,
    /// Images in a batch.
    pub(crate) batch: usize,
    /// Side of the smallest images that the network takes.
    pub(crate) smallest: usize,
}

impl Predictor {
    /// Opens it.
    pub(crate) fn open(args: &Model) -> Result<Self, Failure> {
        let model = match Place::of(&args.model, args.arch.as_deref())? {
            Place::Folder(path) => SavedModel::open(&path)?,
            Place::File(path, arch) => SavedModel::from_file(&path, arch.as_ref())?,
        };
        let mut arch = model.card.arch.clone();
        if let Some(size) = args.size {
            arch = arch.with_size(usize::from(size));
            arch.check()?;
        }
        let transform = dividemix::run::transform_for(&arch, Augment::None);
        Ok(Self { model, transform, batch: usize::from(args.batch), smallest: arch.smallest_size() })
    }

    /// Number of classes.
    pub(crate) fn classes(&self) -> usize {
        self.model.card.classes.len()
    }

    /// The model's class for each class of a set: by name, or by number where the model knows no names.
    pub(crate) fn places_of(&self, classes: &[String]) -> Result<Vec<usize>, Failure> {
        let own = &self.model.card.classes;
        if !self.model.has_names {
            return if own.len() == classes.len() {
                Ok((0..classes.len()).collect())
            } else {
                let problem =
                    format!("the weights have {} classes and the data {}", own.len(), classes.len());
                Err(Failure::Other(format!(
                    "{problem}; a file of weights doesn't name its classes, so they must be as many"
                )))
            };
        }
        let place = |class: &String| {
            own.iter().position(|name| name == class).ok_or_else(|| {
                Failure::Other(format!("the model doesn't know class {class:?}; it knows {}", own.join(", ")))
            })
        };
        classes.iter().map(place).collect()
    }
}
