//! The settings that must be the same for a run to go on from its checkpoint, beside the training's own numbers, which the loop compares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use effnet_model::Fit;

use super::folder::RunFolder;
use crate::Result;
use crate::error::is_hyperparameter;
use crate::settings::{OwnFeatures, Settings};
use crate::weights::{content_hash, hash_of_files};

/// Settings that may change: which images there are and what labels they have is compared by the loop, and pretrained weights by
/// their hash in `config.toml`; the others have no influence on what is trained. `teacher` and `start-from` are bound by content, since a
/// folder may move.
const FREE: [&str; 31] = [
    "data",
    "labels",
    "path-column",
    "label-column",
    "truth-column",
    "split-column",
    "reviewed",
    "classes-file",
    "test",
    "test-fraction",
    "per-class",
    "max-pixels",
    "cache",
    "weights",
    "features",
    "features-paths",
    "features-test",
    "teacher",
    "start-from",
    "preset",
    "ablate",
    "checkpoint-every",
    "report-images",
    "trajectories",
    "format",
    "out",
    "force",
    "threads",
    "device",
    "anyway",
    "budget",
];

/// The bound ones of resolved settings by their flags, each with its value as TOML writes it.
///
/// # Errors
/// Another run or a teacher that can't be read.
pub(super) fn bound_settings(settings: &Settings) -> Result<BTreeMap<String, String>> {
    let is_free = |key: &str| FREE.contains(&key) || is_hyperparameter(&key.replace('-', "_"));
    // Runs of versions before --fit have cropped, and go on.
    let is_crop = |key: &str| key == "fit" && settings.fit == Some(Fit::Crop);
    let given = settings.to_table()?.into_iter().filter(|(key, _)| !is_free(key) && !is_crop(key));
    let mut bound: BTreeMap<_, _> =
        given.map(|(key, value)| (format!("--{key}"), value.to_string())).collect();
    if let Some(teacher) = &settings.teacher {
        bound.insert("the content of --teacher".to_owned(), content_hash(teacher)?);
    }
    if let Some(OwnFeatures { features, paths, test, .. }) = settings.own_features() {
        let files: Vec<PathBuf> =
            [Some(features), paths, test].into_iter().flatten().map(PathBuf::from).collect();
        bound.insert("the content of --features".to_owned(), hash_of_files(&files)?);
    }
    if let Some(run) = &settings.start_from {
        bound.insert("the content of --start-from".to_owned(), findings_hash(run)?);
    }
    Ok(bound)
}

/// Hash of what a run found.
fn findings_hash(run: &Path) -> Result<String> {
    let (folder, _) = RunFolder::open(run)?;
    hash_of_files(&["label_issues.csv", "pred_probs.npy"].map(|name| folder.file(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{DatasetStats, Shape, Weights};

    #[test]
    fn what_the_loop_does_not_know_is_bound_and_every_free_setting_exists() {
        let stats = DatasetStats { images: 100, classes: 3, side: 32, shape: Shape::default(), demo: false };
        let settings =
            Settings { data: Some("d".into()), weights: Some(vec![Weights::None]), ..Settings::default() };
        let resolved = settings.resolve(&stats).unwrap().settings;
        let squeezed = Settings { fit: Some(Fit::Squeeze), ..resolved.clone() };
        assert!(bound_settings(&squeezed).unwrap().contains_key("--fit"));
        let bound: Vec<String> = bound_settings(&resolved).unwrap().into_keys().collect();
        let expected = [
            "--arch",
            "--augment",
            "--depth",
            "--drop-path",
            "--dropout",
            "--freeze",
            "--size",
            "--stem-stride",
            "--strong-view",
            "--width",
        ];
        assert_eq!(bound, expected);
        for free in FREE {
            let read = toml::from_str::<Settings>(&format!("{free} = []"));
            assert!(read.err().is_none_or(|error| !error.to_string().contains("unknown field")), "{free}");
        }
    }
}
