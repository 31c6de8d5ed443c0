//! What MODEL means: a run folder, its model folder, a file of weights, or weights on a hub.

use std::path::{Path, PathBuf};

use effnet_model::Arch;

use crate::run::RunFolder;
use crate::weights::{locate, model_folder};
use crate::{Error, Result};

/// Where a model is.
#[derive(Debug)]
pub enum ModelSource {
    /// A run folder, or the folder of its model.
    Folder(PathBuf),
    /// A file of weights, and the architecture that was given for it.
    File(PathBuf, Option<Arch>),
}

impl ModelSource {
    /// Finds `model`: a run folder, its `model/` folder, a file of weights, `imagenet` or `hf://OWNER/REPO[/FILE]`, which is fetched
    /// where the cache doesn't hold it; `tell` then gets a sentence. `arch` is the architecture of a file of weights.
    ///
    /// # Errors
    /// [`Error::Setting`] for an architecture beside a folder, which knows its own; [`Error::Format`] where there is no such model;
    /// whatever the hub's are.
    pub fn find(model: &Path, arch: Option<&str>, tell: &dyn Fn(&str)) -> Result<Self> {
        let path = locate(model, arch, tell)?;
        if path.is_dir() {
            if let (None, Some(run)) = (model_folder(&path), RunFolder::unfinished_at(&path)) {
                return Err(run.unfinished());
            }
            return match arch {
                None => Ok(Self::Folder(path)),
                Some(_) => {
                    let problem =
                        "is for files of weights; a model folder holds its own architecture".to_owned();
                    Err(Error::setting("--arch", problem))
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
        Ok(Self::File(path, arch.map(Arch::by_name).transpose()?))
    }
}
