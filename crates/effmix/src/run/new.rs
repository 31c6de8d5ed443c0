//! A new run, from its settings to its folder.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::checks;
use super::config::{Config, RunMetadata};
use super::execute::{ESTIMATE, Execution, fetch_teacher, frozen_backbone, open_cache};
use super::folder::RunFolder;
use super::handle::Run;
use super::overview::Overview;
use super::progress::{Observer, Progress};
use crate::data::{Data, name_of};
use crate::device::{Attempt, ComputeDevice};
use crate::resources::{AvailableResources, EpochsDone, Estimate, Here, choose, estimate};
use crate::settings::{Freeze, Settings, Weights};
use crate::weights::{content_hash, lasting, with_weights};
use crate::{Error, Result};

impl Run {
    /// Trains by `settings` and writes a run folder. What happens is reported to `observer`, who can stop the run.
    ///
    /// # Errors
    /// Whatever is wrong with settings, data or disk; [`Error::Stopped`] soon after the observer's flag is raised, and then
    /// [`Run::resume`] goes on from the last checkpoint.
    pub fn start(settings: &Settings, observer: &dyn Observer) -> Result<Self> {
        let began = Instant::now();
        let device = ComputeDevice::open(settings.device.unwrap_or_default())?;
        observer.observe(Progress::Device(&device.describe()));
        let attempt = Attempt { batch: settings.batch, ..Attempt::default() };
        start_on(&device, settings, began, observer).map_err(|error| device.explained(error, &attempt))
    }
}

/// [`Run::start`] on a device, whose errors are not explained yet.
fn start_on(
    device: &ComputeDevice,
    settings: &Settings,
    began: Instant,
    observer: &dyn Observer,
) -> Result<Run> {
    let (typed, test_name) = (settings.data.clone(), settings.test.clone());
    let settings = Settings { device: Some(device.choice()), ..with_lasting_names(settings)? };
    let data = Data::open_named(&settings, test_name.as_deref())?;
    checks::before_fetching(&settings, &data)?;
    let settings = with_weights(settings, typed.as_deref(), &data.stats, observer)?;
    fetch_teacher(&settings, observer)?;
    let cache = open_cache(observer)?;
    let settings = match settings.budget {
        None => settings,
        Some(budget) => {
            settings.clone().resolve(&data.stats)?; // The user's own settings are checked first.
            let here = Here { cache: cache.path(), device, stop: observer.stop() };
            let choice = choose(&settings, budget, began, &data, &here)?;
            observer.observe(Progress::Chosen(&choice.why));
            choice.settings
        }
    };
    let resolved = settings.clone().resolve(&data.stats)?;
    observer.observe(Progress::Overview(&Overview::of(&data, &resolved)));
    if resolved.settings.freeze == Some(Freeze::Backbone) && settings.freeze.is_none() {
        observer.observe(Progress::Notice(
                "the pretrained network stays as it is, and a small head is trained on its features; --freeze none trains all of it",
            ));
    }
    tracing::debug!(settings = ?resolved.settings, arch = ?resolved.arch, "a new run");
    let backbone = frozen_backbone(&resolved, &data, device)?;
    let here = Here { cache: cache.path(), device, stop: observer.stop() };
    let batch = resolved.hyperparameters.batch;
    let explained = |error| device.explained(error, &Attempt { batch: Some(batch), ..Attempt::default() });
    let estimate = estimate(&resolved, &data, backbone.as_ref(), EpochsDone::default(), &here);
    let estimate = estimate
        .map_err(explained)?
        .map(|rest| Estimate { seconds: began.elapsed().as_secs_f64() + rest.seconds, ..rest });
    if let Some(estimate) = &estimate
        && settings.anyway != Some(true)
    {
        let runs = settings.out.as_deref().unwrap_or(Path::new("runs"));
        let available = AvailableResources::here(runs, cache.path(), device);
        available.check(estimate, resolved.cache, batch)?;
    }
    let config = Config::of_run(&resolved.settings, &data.folder.classes);
    let metadata = RunMetadata {
        weights_hash: resolved.settings.pretrained().map(content_hash).transpose()?,
        test_name,
        ..config.metadata
    };
    let config = Config { metadata, ..config };
    // Before anything is written or, with --force, removed.
    config.text()?;
    checks::other_runs(&resolved.settings, &data.folder.classes, device)?;
    let (out, force) = (settings.out.as_deref(), settings.force == Some(true));
    if let (Some(out), true) = (out, force) {
        checks::inputs_stay(out, &resolved.settings)?;
    }
    let folder = RunFolder::create(out, &name_of(settings.data.as_deref()), force)?;
    config.write(&folder.file("config.toml"))?;
    observer.observe(Progress::Started(folder.path()));
    if let Some(estimate) = &estimate {
        estimate.write(&folder.file(ESTIMATE))?;
        observer.observe(Progress::Estimated(estimate));
    }
    let needed = estimate.and_then(|estimate| estimate.device_memory);
    let device = device.clone();
    Execution { folder, config, resolved, backbone, cache, device, needed, observer, began, resumed: None }
        .run(data)
}

/// The settings with paths and names that hold wherever the run is gone on with.
fn with_lasting_names(settings: &Settings) -> Result<Settings> {
    let absolute = |path: &Option<PathBuf>| match path {
        Some(path) => std::path::absolute(path).map(Some).map_err(Error::io("can't find", path)),
        None => Ok(None),
    };
    Ok(Settings {
        data: absolute(&settings.data)?,
        labels: absolute(&settings.labels)?,
        test: absolute(&settings.test)?,
        weights: match &settings.weights {
            Some(Weights::Model(name)) => Some(Weights::Model(lasting(name, settings.arch.as_deref())?)),
            other => other.clone(),
        },
        start_from: absolute(&settings.start_from)?,
        teacher: settings.teacher.as_deref().map(|teacher| lasting(teacher, None)).transpose()?,
        ..settings.clone()
    })
}
