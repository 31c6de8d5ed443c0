//! Files of weights, by a path or a name.

use std::path::{Path, PathBuf};

use effnet_model::{ModelCard, WeightsFile};

use super::hub::{locate, on_disk};
use crate::run::RunFolder;
use crate::settings::{Settings, WeightsSource};
use crate::{Error, Result};

/// The folder with `model.json` that a path means: itself, or `model/` in it.
pub(crate) fn model_folder(path: &Path) -> Option<PathBuf> {
    [path.join("model"), path.to_owned()].into_iter().find(|folder| folder.join("model.json").is_file())
}

/// The weights that a path or a name means: of a run, its first network's; of a file that holds several, those under the key.
pub(crate) fn open_weights(WeightsSource { name, key }: WeightsSource<'_>) -> Result<WeightsFile> {
    if let (Some(_), Some(_)) = (key, model_folder(name)) {
        let problem = "is for files of weights; a run's networks have none";
        return Err(Error::setting("--weights-key", problem));
    }
    Ok(WeightsFile::open_key(&weights_file(name)?, key)?)
}

/// The hashes of all pretrained weights ([`content_hash`]), with blanks between them; `None` where there are none.
pub(crate) fn hash_of_all(settings: &Settings) -> Result<Option<String>> {
    let hashes = settings.all_pretrained().map(content_hash).collect::<Result<Vec<_>>>()?;
    Ok((!hashes.is_empty()).then(|| hashes.join(" ")))
}

/// Hash of the content of the weights that a path or a name means; for `config.toml`.
pub(crate) fn content_hash(weights: &Path) -> Result<String> {
    Ok(format!("blake3:{}", hasher_of(&weights_file(weights)?)?.finalize().to_hex()))
}

/// Hash of the content of some files, one after the other; for checkpoints.
pub(crate) fn hash_of_files(files: &[PathBuf]) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    files.iter().try_for_each(|file| add_content(&mut hasher, file))?;
    Ok(format!("blake3:{}", hasher.finalize().to_hex()))
}

pub(super) fn hasher_of(file: &Path) -> Result<blake3::Hasher> {
    let mut hasher = blake3::Hasher::new();
    add_content(&mut hasher, file)?;
    Ok(hasher)
}

fn add_content(hasher: &mut blake3::Hasher, file: &Path) -> Result<()> {
    let opened = std::fs::File::open(file).map_err(Error::io("can't read", file))?;
    hasher.update_reader(opened).map(drop).map_err(Error::io("can't read", file))
}

/// The file that a path or a name means.
fn weights_file(path: &Path) -> Result<PathBuf> {
    let Some(folder) = model_folder(path) else {
        if let Some(run) = RunFolder::unfinished_at(path) {
            return Err(run.unfinished());
        }
        if on_disk(path) && !path.exists() {
            let problem = "no such run folder, model folder or file of weights; give another path, or put it there again";
            return Err(Error::Format { path: path.to_owned(), problem: problem.to_owned() });
        }
        return locate(path, None, &|_| ());
    };
    let card = ModelCard::read(&folder)?;
    if card.has_heads() {
        let bodies = card.bodies.iter().map(|body| folder.join(&body.weights).display().to_string());
        let bodies = bodies.collect::<Vec<_>>().join(", ");
        let problem = match bodies.is_empty() {
            true => "is of features of one's own, so it holds no network to start from".to_owned(),
            false => format!("holds several networks; start from one or more of them: {bodies}"),
        };
        return Err(Error::Format { path: folder, problem });
    }
    let none =
        || Error::Format { path: folder.clone(), problem: "its model.json names no network".to_owned() };
    Ok(folder.join(card.networks.first().ok_or_else(none)?))
}
