//! A new run, from its settings to its folder.

use std::path::{Path, PathBuf};
use std::time::Instant;

use effnet_model::Fit;

use super::checks;
use super::config::{Config, RunMetadata};
use super::execute::{ESTIMATE, Execution, fetch_teacher, frozen_bodies, open_cache};
use super::folder::RunFolder;
use super::handle::Run;
use super::overview::Overview;
use super::progress::{Observer, Progress};
use crate::data::{CacheFolder, Data, name_of};
use crate::device::{Attempt, ComputeDevice};
use crate::resources::{AvailableResources, EpochsDone, Estimate, Here, choose, estimate};
use crate::settings::{Freeze, ResolvedSettings, Settings, Shape, Weights};
use crate::weights::{FrozenBody, hash_of_all, lasting, with_weights};
use crate::{Error, Result};

impl Run {
    /// Trains by `settings` and writes a run folder. What happens is reported to `observer`, who can stop the run.
    ///
    /// # Errors
    /// Whatever is wrong with settings, data or disk; [`Error::Stopped`] soon after the observer's flag is raised, and then
    /// [`Run::resume`] goes on from the last checkpoint.
    pub fn start(settings: &Settings, observer: &dyn Observer) -> Result<Self> {
        Self::start_named(settings, settings.test.as_deref(), Instant::now(), observer)
    }

    /// [`Run::start`] of settings with lasting names. `test_name` is `--test DIR` as it was given, which the paths of its images begin
    /// with.
    pub(crate) fn start_named(
        settings: &Settings,
        test_name: Option<&Path>,
        began: Instant,
        observer: &dyn Observer,
    ) -> Result<Self> {
        let device = ComputeDevice::open(settings.device.unwrap_or_default())?;
        observer.observe(Progress::Device(&device.describe()));
        let attempt = Attempt { batch: settings.batch, ..Attempt::default() };
        Prepared::new(&device, settings, test_name, began, observer)
            .and_then(Prepared::begin)
            .map_err(|error| device.explained(error, &attempt))
    }
}

/// A run that can begin: all that can be refused has been checked, and nothing has been written.
pub(crate) struct Prepared<'a> {
    /// The settings that were given, with lasting names.
    settings: Settings,
    data: Data,
    config: Config,
    resolved: ResolvedSettings,
    bodies: Vec<FrozenBody>,
    cache: CacheFolder,
    device: ComputeDevice,
    /// What it will take; `None` where no image could be read.
    pub(crate) estimate: Option<Estimate>,
    observer: &'a dyn Observer,
    began: Instant,
}

impl<'a> Prepared<'a> {
    /// Prepares a run. `test_name` is `--test DIR` as it was given, which the paths of its images begin with.
    ///
    /// # Errors
    /// As [`Run::start`], but for a device's, which are not explained yet where they come from before the estimate.
    pub(crate) fn new(
        device: &ComputeDevice,
        settings: &Settings,
        test_name: Option<&Path>,
        began: Instant,
        observer: &'a dyn Observer,
    ) -> Result<Self> {
        let (typed, test_name) = (settings.data.clone(), test_name.map(Path::to_owned));
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
        resolved.hyperparameters.check_classes(data.stats.classes)?;
        observer.observe(Progress::Overview(&Overview::of(&data, &resolved)));
        if resolved.settings.freeze == Some(Freeze::Backbone) && settings.freeze.is_none() {
            observer.observe(Progress::Notice(match settings.has_several_bodies() {
                _ if settings.features.is_some() => "a small head is trained on the features; no image is decoded",
                true => "the pretrained networks stay as they are, and a small head is trained on their features side by side",
                false => {
                    "the pretrained network stays as it is, and a small head is trained on its features; --freeze none trains all of it"
                }
            }));
        }
        if let Some(notice) = shape_in_words(&data.stats.shape, settings.fit, resolved.arch.preprocessing.fit)
        {
            observer.observe(Progress::Notice(&notice));
        }
        tracing::debug!(settings = ?resolved.settings, arch = ?resolved.arch, "a new run");
        let bodies = frozen_bodies(&resolved, &data, device)?;
        let here = Here { cache: cache.path(), device, stop: observer.stop() };
        let batch = resolved.hyperparameters.batch;
        let explained =
            |error| device.explained(error, &Attempt { batch: Some(batch), ..Attempt::default() });
        let estimate = estimate(&resolved, &data, &bodies, EpochsDone::default(), &here);
        let estimate = estimate
            .map_err(explained)?
            .map(|rest| Estimate { seconds: began.elapsed().as_secs_f64() + rest.seconds, ..rest });
        if let Some(estimate) = &estimate
            && settings.anyway != Some(true)
        {
            room_for(estimate, &settings, &resolved, &cache, device)?;
        }
        let config = Config::of_run(&resolved.settings, &data.folder.classes);
        let metadata =
            RunMetadata { weights_hash: hash_of_all(&resolved.settings)?, test_name, ..config.metadata };
        let config = Config { metadata, ..config };
        // Before anything is written or, with --force, removed.
        config.text()?;
        if let Some(own) = resolved.settings.own_features() {
            own.of(&mut data.folder.clone(), device.candle())?;
        }
        checks::other_runs(&resolved.settings, &data.folder.classes, device)?;
        if let (Some(out), Some(true)) = (&settings.out, settings.force) {
            checks::inputs_stay(out, &resolved.settings)?;
        }
        let device = device.clone();
        Ok(Self { settings, data, config, resolved, bodies, cache, device, estimate, observer, began })
    }

    /// Makes sure that there is room for an estimate of this run and others.
    ///
    /// # Errors
    /// [`Error::InsufficientResources`].
    pub(crate) fn has_room_for(&self, estimate: &Estimate) -> Result<()> {
        room_for(estimate, &self.settings, &self.resolved, &self.cache, &self.device)
    }

    /// Makes the run folder, and trains.
    fn begin(self) -> Result<Run> {
        let Self { settings, data, config, resolved, bodies, cache, device, estimate, observer, began } =
            self;
        let (out, force) = (settings.out.as_deref(), settings.force == Some(true));
        let folder = RunFolder::create(out, &name_of(settings.data.as_deref()), force)?;
        config.write(&folder.file("config.toml"))?;
        observer.observe(Progress::Started(folder.path()));
        if let Some(estimate) = &estimate {
            estimate.write(&folder.file(ESTIMATE))?;
            observer.observe(Progress::Estimated(estimate));
        }
        let needed = estimate.and_then(|estimate| estimate.device_memory);
        Execution { folder, config, resolved, bodies, cache, device, needed, observer, began, resumed: None }
            .run(data)
    }
}

fn room_for(
    estimate: &Estimate,
    settings: &Settings,
    resolved: &ResolvedSettings,
    cache: &CacheFolder,
    device: &ComputeDevice,
) -> Result<()> {
    let runs = settings.out.as_deref().unwrap_or(Path::new("runs"));
    let available = AvailableResources::here(runs, cache.path(), device);
    available.check(estimate, resolved.cache, resolved.hyperparameters.batch)
}

/// What becomes of images that are far from square, where there are such; nothing where the user chose it.
fn shape_in_words(shape: &Shape, given: Option<Fit>, fit: Fit) -> Option<String> {
    let Shape { looked_at, long, typical: (width, height) } = *shape;
    if long == 0 || given.is_some() {
        return None;
    }
    let these = format!(
        "{long} of {looked_at} images that were looked at are far from square (as {width} x {height})"
    );
    Some(match fit {
        Fit::Crop => format!("{these}: their ends are cut off; --fit squeeze or pad keeps them"),
        Fit::Squeeze => format!(
            "{these}: images are squeezed into the square, so that nothing is cut off; --fit crop or pad do otherwise"
        ),
        Fit::Pad => format!("{these}: images get a border, so that nothing is cut off"),
    })
}

/// Weights with paths and names that hold wherever the run is gone on with.
fn lasting_weights(all: &[Weights], settings: &Settings) -> Result<Vec<Weights>> {
    let archs = settings.arch.as_deref().unwrap_or_default();
    let lasting = |(number, weights): (usize, &Weights)| match weights {
        Weights::Model(name) => Ok(Weights::Model(lasting(name, archs.get(number).map(String::as_str))?)),
        other => Ok(other.clone()),
    };
    all.iter().enumerate().map(lasting).collect()
}

/// The settings with paths and names that hold wherever the run is gone on with.
pub(crate) fn with_lasting_names(settings: &Settings) -> Result<Settings> {
    let absolute = |path: &Option<PathBuf>| match path {
        Some(path) => std::path::absolute(path).map(Some).map_err(Error::io("can't find", path)),
        None => Ok(None),
    };
    Ok(Settings {
        data: absolute(&settings.data)?,
        labels: absolute(&settings.labels)?,
        reviewed: absolute(&settings.reviewed)?,
        test: absolute(&settings.test)?,
        classes: absolute(&settings.classes)?,
        weights: settings.weights.as_ref().map(|all| lasting_weights(all, settings)).transpose()?,
        features: absolute(&settings.features)?,
        features_paths: absolute(&settings.features_paths)?,
        features_test: absolute(&settings.features_test)?,
        start_from: absolute(&settings.start_from)?,
        teacher: settings.teacher.as_deref().map(|teacher| lasting(teacher, None)).transpose()?,
        ..settings.clone()
    })
}
