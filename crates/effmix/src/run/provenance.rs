//! What a run was made from: the part of `summary.json` by which runs are told apart and put together.

use std::path::PathBuf;

use image_folder::{ImageFolder, Pixels, Sample};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::settings::{ResolvedSettings, Settings};
use crate::weights::hash_of_files;

/// The value of [`Provenance::labels`] where an image's folder is its label.
pub(crate) const FOLDERS: &str = "folders";

/// The same for the built-in demo set.
const DEMO: &str = "demo";

/// The method, seed, labels, images and program of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The method's name.
    pub method: String,
    /// The random seed.
    pub seed: u64,
    /// The architecture.
    pub arch: String,
    /// Where the labels are from: the path of a CSV, `folders` or `demo`.
    pub labels: String,
    /// Hash of the CSV's bytes, `blake3:...`; null where there is none.
    pub labels_hash: Option<String>,
    /// Hash of the bytes of the file of verdicts, `blake3:...`; left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_hash: Option<String>,
    /// Hash of the list of images, `blake3:...`: set, path and size in bytes of each, before any was left out as unreadable. It says
    /// nothing of their labels.
    pub data_hash: String,
    /// The programs that made the run.
    pub versions: Versions,
}

/// Versions by program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// This one's.
    pub effmix: String,
}

impl Provenance {
    /// Of a run by these settings on these images.
    ///
    /// # Errors
    /// A file of labels or verdicts that can't be read any more.
    pub(super) fn of(resolved: &ResolvedSettings, images: &ImageFolder) -> Result<Self> {
        let Settings { labels, reviewed, data, .. } = &resolved.settings;
        let from = match (labels, data) {
            (Some(csv), _) => csv.display().to_string(),
            (None, Some(_)) => FOLDERS.to_owned(),
            (None, None) => DEMO.to_owned(),
        };
        let hash = |file: &PathBuf| hash_of_files(std::slice::from_ref(file));
        Ok(Self {
            method: resolved.hyperparameters.method().name().to_owned(),
            seed: resolved.hyperparameters.seed,
            arch: resolved.arch.name.clone(),
            labels: from,
            labels_hash: labels.as_ref().map(hash).transpose()?,
            reviewed_hash: reviewed.as_ref().map(hash).transpose()?,
            data_hash: data_hash(images),
            versions: Versions { effmix: env!("CARGO_PKG_VERSION").to_owned() },
        })
    }
}

fn data_hash(images: &ImageFolder) -> String {
    let mut hasher = blake3::Hasher::new();
    for (set, samples) in [("train", &images.train), ("test", &images.test)] {
        for sample in samples {
            hasher.update(format!("{set}\0{}\0{}\n", sample.path, bytes_of(sample)).as_bytes());
        }
    }
    format!("blake3:{}", hasher.finalize().to_hex())
}

/// Size of an image in bytes; 0 where it is not there any more, as it will be left out.
fn bytes_of(sample: &Sample) -> u64 {
    match &sample.source {
        Pixels::File { path, .. } => path.metadata().map_or(0, |found| found.len()),
        // Of the file that holds the rows: an image's own size is not known before it is read.
        Pixels::Row { table, .. } => table.path().metadata().map_or(0, |found| found.len()),
        Pixels::Memory(image) => image.as_raw().len() as u64,
    }
}
