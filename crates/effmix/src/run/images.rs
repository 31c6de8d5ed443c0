//! The images of a run, found again by their paths.

use std::collections::HashMap;
use std::path::Path;

use image_folder::{RgbImage, Sample};

use super::config::Config;
use super::folder::RunFolder;
use crate::data::Data;

/// The images of a run, by their paths in `label_issues.csv`.
#[derive(Debug)]
pub struct RunImages {
    /// Why the set can't be opened any more, if it can't.
    samples: Result<HashMap<String, Sample>, String>,
}

impl RunImages {
    /// Lists those of the run with this configuration. A set that has moved or changed since is no error: its images are missing
    /// then.
    pub fn of(config: &Config) -> Self {
        let opened = Data::open_named(&config.settings, config.metadata.test_name.as_deref());
        let samples = opened.map_err(|error| error.to_string()).map(|data| {
            let all = data.folder.train.into_iter().chain(data.folder.test);
            all.map(|sample| (sample.path.clone(), sample)).collect()
        });
        Self { samples }
    }

    /// Why the set can't be opened any more, if it can't.
    pub fn problem(&self) -> Option<&str> {
        self.samples.as_ref().err().map(String::as_str)
    }

    /// The pixels of one.
    ///
    /// # Errors
    /// In words, why they can't be read.
    pub fn image(&self, path: &str) -> Result<RgbImage, String> {
        let samples = self.samples.as_ref().map_err(Clone::clone)?;
        let sample = samples.get(path).ok_or_else(|| "it is not there any more".to_owned())?;
        sample.image().map(std::borrow::Cow::into_owned)
    }
}

/// The images that a run was trained on, or why they can't be listed any more; nothing where `path` is neither a run folder nor the folder of
/// its model.
pub fn trained_images(path: &Path) -> Option<Result<Vec<Sample>, String>> {
    let (_, config) =
        [Some(path), path.parent()].into_iter().flatten().find_map(|run| RunFolder::open(run).ok())?;
    Some(Data::open(&config.settings).map(|data| data.folder.train).map_err(|error| error.to_string()))
}
