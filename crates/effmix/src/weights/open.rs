//! Files of weights, by a path or a name.

use std::path::{Path, PathBuf};

use effnet_model::{ModelCard, WeightsFile};

use super::hub::{locate, on_disk};
use crate::{Error, Result};

/// The folder with `model.json` that a path means: itself, or `model/` in it.
fn model_folder(path: &Path) -> Option<PathBuf> {
    [path.join("model"), path.to_owned()].into_iter().find(|folder| folder.join("model.json").is_file())
}

/// The weights that a path or a name means: of a run, its first network's.
pub(crate) fn open_weights(path: &Path) -> Result<WeightsFile> {
    Ok(WeightsFile::open(&weights_file(path)?)?)
}

/// Hash of the content of the weights that a path or a name means; for `config.toml`.
pub(crate) fn content_hash(weights: &Path) -> Result<String> {
    Ok(format!("blake3:{}", hasher_of(&weights_file(weights)?)?.finalize().to_hex()))
}

pub(super) fn hasher_of(file: &Path) -> Result<blake3::Hasher> {
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
