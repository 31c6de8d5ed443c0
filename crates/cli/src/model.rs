//! What MODEL means: a run folder, its model folder, a file of weights, or weights on a hub.

use dividemix::run::{Augment, locate};
use effnet_model::{Arch, SavedModel};
use image_folder::Transform;

use crate::args::Model;
use crate::exit::Failure;
use crate::output::tell;

/// A model that can predict, and how images are made ready for it.
pub(crate) struct Predictor {
    pub(crate) model: SavedModel,
    pub(crate) transform: Transform,
    /// Images in a batch.
    pub(crate) batch: usize,
}

impl Predictor {
    /// Opens it.
    pub(crate) fn open(args: &Model) -> Result<Self, Failure> {
        let path = locate(&args.model, args.arch.as_deref(), &tell)?;
        let model = if path.is_dir() {
            if args.arch.is_some() {
                let problem = "--arch is for files of weights; a model folder says itself what it is";
                return Err(Failure::Usage(problem.to_owned()));
            }
            SavedModel::open(&path)?
        } else {
            if !path.exists() {
                let path = path.display();
                return Err(Failure::Other(format!(
                    "{path}: no such run folder, model folder or file of weights"
                )));
            }
            let arch = args.arch.as_deref().map(Arch::by_name).transpose()?;
            SavedModel::from_file(&path, arch.as_ref())?
        };
        let mut arch = model.card.arch.clone();
        if let Some(size) = args.size {
            arch = arch.with_size(usize::from(size));
        }
        let transform = dividemix::run::transform_for(&arch, Augment::None);
        Ok(Self { model, transform, batch: usize::from(args.batch) })
    }

    /// Number of classes.
    pub(crate) fn classes(&self) -> usize {
        self.model.card.classes.len()
    }
}
