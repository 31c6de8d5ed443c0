//! What MODEL means: a run folder, its model folder, a file of weights, or weights on a hub.

use std::path::{Path, PathBuf};

use effnet_model::{Arch, WeightsFile};

use crate::run::RunFolder;
use crate::weights::{locate, model_folder};
use crate::{Error, Result};

/// Where a model is.
#[derive(Debug)]
pub enum ModelSource {
    /// A run folder, or the folder of its model.
    Folder(PathBuf),
    /// A file of weights, opened, and the architecture that was given for it.
    File(Box<WeightsFile>, Option<Arch>),
}

impl ModelSource {
    /// Finds `model`: a run folder, its `model/` folder, a file of weights, `imagenet` or `hf://OWNER/REPO[/FILE]`, which is fetched
    /// where the cache doesn't hold it; `tell` then gets a sentence, and one about the weights that are taken of a file that holds more.
    /// `arch` is the architecture of a file of weights, `key` says which weights of a file are meant.
    ///
    /// # Errors
    /// [`Error::Setting`] for an architecture or a key beside a folder, which knows its own; [`Error::Format`] where there is no such
    /// model; those of [`WeightsFile::open_key`]; whatever the hub's are.
    pub fn find(model: &Path, arch: Option<&str>, key: Option<&str>, tell: &dyn Fn(&str)) -> Result<Self> {
        let path = locate(model, arch, tell)?;
        if path.is_dir() {
            if let Some(error) = RunFolder::of_several_at(&path) {
                return Err(error);
            }
            if let (None, Some(run)) = (model_folder(&path), RunFolder::unfinished_at(&path)) {
                return Err(run.unfinished());
            }
            return match (arch, key) {
                (None, None) => Ok(Self::Folder(path)),
                (Some(_), _) => {
                    let problem = "is for files of weights; a model folder holds its own architecture";
                    Err(Error::setting("--arch", problem))
                }
                (None, Some(_)) => {
                    let problem = "is for files of weights; a model folder's networks have none";
                    Err(Error::setting("--weights-key", problem))
                }
            };
        }
        if !path.exists() {
            if let Some(run) = RunFolder::unfinished_at(&path) {
                return Err(run.unfinished());
            }
            let problem = "no such run folder, model folder or file of weights".to_owned();
            return Err(Error::Format { path, problem });
        }
        let arch = arch.map(Arch::by_name).transpose()?;
        let file = WeightsFile::open_key(&path, key)?;
        file.taken().iter().for_each(|taken| tell(taken));
        Ok(Self::File(Box::new(file), arch))
    }
}
