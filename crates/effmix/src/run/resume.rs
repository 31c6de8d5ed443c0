//! A run that is gone on with.

use std::path::Path;
use std::time::Instant;

use super::checks;
use super::class_names::difference;
use super::config::Config;
use super::execute::{ESTIMATE, Execution, Resumed, fetch_teacher, frozen_bodies, open_cache};
use super::folder::RunFolder;
use super::handle::Run;
use super::overview::Overview;
use super::progress::{Observer, Progress};
use super::record::read_timing;
use crate::data::Data;
use crate::device::{Attempt, ComputeDevice};
use crate::resources::{AvailableResources, EpochsDone, Estimate, Here, estimate};
use crate::settings::{DeviceChoice, OwnMethod, Settings};
use crate::weights::fetched;
use crate::{Error, Result};

/// How a run is gone on with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResumeOptions {
    /// Number of epochs in all, if the run is to become longer.
    pub epochs: Option<usize>,
    /// What computes, if not what the run has been computed by so far. Where that is a GPU and there is none, the CPU goes on.
    pub device: Option<DeviceChoice>,
    /// The method, where the run was begun with one of one's own ([`Settings::own_method`]).
    pub own_method: Option<OwnMethod>,
}

impl Run {
    /// Goes on with an interrupted run from its newest checkpoint, to the same bytes as a run left alone if the device is the same one.
    /// A finished run is trained further if [`ResumeOptions::epochs`] makes it longer; else it is returned as it is. Where patience had
    /// ended it, patience counts anew.
    ///
    /// # Errors
    /// A folder that is no run; data, weights or settings that changed; else as [`Run::start`]. What is refused leaves the folder as it
    /// was.
    pub fn resume(path: &Path, options: &ResumeOptions, observer: &dyn Observer) -> Result<Self> {
        let epochs = options.epochs;
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
        same_method(config.metadata.own_method.as_deref(), options.own_method.as_ref(), path)?;
        let (device, moved) = device_of(options.device, config.settings.device, observer)?;
        let epochs = epochs.or(config.settings.epochs);
        let (device_choice, own_method) = (Some(device.choice()), options.own_method.clone());
        let settings = Settings { epochs, device: device_choice, own_method, ..config.settings };
        let data = Data::open_named(&settings, config.metadata.test_name.as_deref())?;
        let classes = &data.folder.classes;
        if config.metadata.classes.as_ref() != Some(classes) {
            let before = config.metadata.classes.unwrap_or_default();
            let problem = format!("its data has other classes now: {}", difference(&before, classes));
            return Err(Error::Format { path: path.to_owned(), problem });
        }
        settings.all_pretrained().try_for_each(|weights| fetched(weights, observer).map(drop))?;
        checks::same_weights(&settings, config.metadata.weights_hash.as_deref())?;
        fetch_teacher(&settings, observer)?;
        let cache = open_cache(observer)?;
        let resolved = settings.resolve(&data.stats)?;
        tracing::debug!(settings = ?resolved.settings, arch = ?resolved.arch, "a run is gone on with");
        observer.observe(Progress::Overview(&Overview::of(&data, &resolved)));
        // Its batch stays, so that no other can be advised.
        let explained = |error| device.explained(error, &Attempt::default());
        let bodies = frozen_bodies(&resolved, &data, &device).map_err(explained)?;
        let done = EpochsDone::of(&folder)?;
        let here = Here { cache: cache.path(), device: &device, stop: observer.stop() };
        let rest = estimate(&resolved, &data, &bodies, done, &here).map_err(explained)?;
        observer.observe(Progress::Started(folder.path()));
        let config = Config { metadata: config.metadata, ..Config::of_run(&resolved.settings, classes) };
        let mut resumed = Resumed { is_longer: longer, is_moved: moved, estimate: None };
        if let Some(rest) = &rest {
            if longer || Estimate::read(&folder.file(ESTIMATE))?.is_none() {
                let so_far: f64 = read_timing(&folder.file("timing.jsonl"))?.iter().map(|t| t.seconds).sum();
                resumed.estimate = Some(Estimate { seconds: so_far + rest.seconds, ..rest.clone() });
            }
            observer.observe(Progress::Estimated(rest));
            // A run that was begun may be gone on with, whatever it takes.
            let available = AvailableResources::here(folder.path(), cache.path(), &device);
            if let Err(error) = available.check(rest, resolved.cache, resolved.hyperparameters.batch) {
                observer.observe(Progress::Warning(&without_remedy(error)));
            }
        }
        let (needed, resumed) = (rest.and_then(|rest| rest.device_memory), Some(resumed));
        Execution { folder, config, resolved, bodies, cache, device, needed, observer, began, resumed }
            .run(data)
    }
}

/// What is too small for a run that goes on all the same: its settings can't be changed any more.
fn without_remedy(error: Error) -> String {
    match error {
        Error::InsufficientResources { place, needed, left, .. } => {
            format!(
                "there may be too little room {place}: the run needs about {needed}, and there are {left}"
            )
        }
        other => other.to_string(),
    }
}

/// Makes sure that a run goes on with the method that began it. `before` is the name of one that is not of this program.
fn same_method(before: Option<&str>, now: Option<&OwnMethod>, run: &Path) -> Result<()> {
    let problem = match (before, now.map(OwnMethod::name)) {
        (before, now) if before == now => return Ok(()),
        (Some(before), None) => format!(
            "was trained by a method that is not of this program, {before:?}; go on with it by the program that has the method \
             (ResumeOptions::own_method)"
        ),
        (Some(before), Some(now)) => {
            format!("was trained by the method {before:?}, and can't go on with {now:?}")
        }
        (None, now) => format!(
            "was trained by a method of this program, and can't go on with {:?}; leave it out",
            now.unwrap_or_default()
        ),
    };
    Err(Error::Format { path: run.to_owned(), problem })
}

/// What goes on with a run: what was asked for, else what it was computed by, else the CPU; and whether that is another kind of
/// device than before, which is said.
fn device_of(
    asked: Option<DeviceChoice>,
    before: Option<DeviceChoice>,
    observer: &dyn Observer,
) -> Result<(ComputeDevice, bool)> {
    // Runs of versions before --device were computed by the CPU.
    let before = before.unwrap_or(DeviceChoice::Cpu);
    let device = match asked {
        Some(device) => ComputeDevice::open(device)?,
        None => ComputeDevice::open_or_cpu(before),
    };
    observer.observe(Progress::Device(&device.describe()));
    let moved = (device.choice() == DeviceChoice::Cpu) != (before == DeviceChoice::Cpu);
    if moved {
        observer.observe(Progress::Warning(&format!(
            "this run used {before} so far, and goes on on {}: its results will differ slightly from those of a run on one device",
            device.choice()
        )));
    }
    Ok((device, moved))
}
