//! A run that is gone on with.

use std::path::Path;
use std::time::Instant;

use super::checks;
use super::config::Config;
use super::execute::{ESTIMATE, Execution, Resumed, fetch_teacher, frozen_backbone, open_cache};
use super::folder::RunFolder;
use super::handle::Run;
use super::progress::{Observer, Progress};
use super::record::read_timing;
use crate::data::Data;
use crate::resources::{AvailableResources, EpochsDone, Estimate, estimate};
use crate::settings::Settings;
use crate::weights::fetched;
use crate::{Error, Result};

impl Run {
    /// Goes on with an interrupted run from its newest checkpoint, to the same bytes as a run left alone. A finished run is trained
    /// further if `epochs` makes it longer; else it is returned as it is. Where patience had ended it, patience counts anew.
    ///
    /// # Errors
    /// A folder that is no run; data, weights or settings that changed; else as [`Run::start`]. What is refused leaves the folder as it
    /// was.
    pub fn resume(path: &Path, epochs: Option<usize>, observer: &dyn Observer) -> Result<Self> {
        let began = Instant::now();
        let (folder, config) = RunFolder::open(path)?;
        let planned = config.settings.epochs.unwrap_or_default();
        if let Some(epochs) = epochs
            && epochs < planned
        {
            let problem =
                format!("{epochs}, but the run is set to {planned}; resuming can only make it longer");
            return Err(Error::setting("--epochs", problem));
        }
        let longer = epochs.is_some_and(|epochs| epochs > planned);
        if folder.is_finished() && !longer {
            return Self::finished(folder);
        }
        let settings = Settings { epochs: epochs.or(config.settings.epochs), ..config.settings };
        let data = Data::open_named(&settings, config.metadata.test_name.as_deref())?;
        let classes = &data.folder.classes;
        if config.metadata.classes.as_ref() != Some(classes) {
            let problem = format!("its data has other classes now: {}", classes.join(", "));
            return Err(Error::Format { path: path.to_owned(), problem });
        }
        if let Some(weights) = settings.pretrained() {
            fetched(weights, observer)?;
            checks::same_weights(weights, config.metadata.weights_hash.as_deref())?;
        }
        fetch_teacher(&settings, observer)?;
        let cache = open_cache(observer)?;
        let resolved = settings.resolve(&data.stats)?;
        tracing::debug!(settings = ?resolved.settings, arch = ?resolved.arch, "a run is gone on with");
        let backbone = frozen_backbone(&resolved, &data)?;
        let done = EpochsDone::of(&folder)?;
        let rest = estimate(&resolved, &data, backbone.as_ref(), done, cache.path(), observer.stop())?;
        observer.observe(Progress::Started(folder.path()));
        let config = Config { metadata: config.metadata, ..Config::of_run(&resolved.settings, classes) };
        let mut resumed = Resumed { is_longer: longer, estimate: None };
        if let Some(rest) = &rest {
            if longer || Estimate::read(&folder.file(ESTIMATE))?.is_none() {
                let so_far: f64 = read_timing(&folder.file("timing.jsonl"))?.iter().map(|t| t.seconds).sum();
                resumed.estimate = Some(Estimate { seconds: so_far + rest.seconds, ..rest.clone() });
            }
            observer.observe(Progress::Estimated(rest));
            // A run that was begun may be gone on with, whatever it takes.
            if let Err(error) =
                AvailableResources::here(folder.path(), cache.path()).check(rest, resolved.cache)
            {
                observer.observe(Progress::Warning(&error.to_string()));
            }
        }
        Execution { folder, config, resolved, backbone, cache, observer, began, resumed: Some(resumed) }
            .run(data)
    }
}
