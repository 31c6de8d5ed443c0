//! A run at work: from its data to the files of its folder.

use std::path::Path;
use std::time::Instant;

use dividemix::{CheckedHyperparameters, Checkpoints, Event, MethodKind, Outcome, logits};
use image_folder::Sample;

use super::bound::bound_settings;
use super::checks;
use super::config::Config;
use super::data_issues::{DATA_ISSUES, data_issues, write_data_issues};
use super::division::write_divisions;
use super::epoch_files::EpochFiles;
use super::evidence::{Began, HeldOut};
use super::findings::Findings;
use super::folder::RunFolder;
use super::formats::{ImageFiles, write_formats};
use super::handle::Run;
use super::issue::write_issues;
use super::matrices::write_matrices;
use super::page::write_page;
use super::progress::{Observer, Progress, Training};
use super::provenance::Provenance;
use super::record::read_timing;
use super::start_from::start_from;
use super::summary::Summary;
use super::trajectories::Trajectories;
use crate::data::{CacheFolder, Data, Sets, ViewBuilder, left_in_words};
use crate::device::{Attempt, ComputeDevice, DeviceMemory};
use crate::error::with_flags;
use crate::files::{make_writable, write_npy};
use crate::model::teacher_logits;
use crate::resources::Estimate;
use crate::settings::{ResolvedSettings, Settings};
use crate::weights::{FrozenBody, Networks, fetched};
use crate::{Error, Result};

/// The estimate of what a run takes, kept in its folder for the summary.
pub(super) const ESTIMATE: &str = "estimate.json";

/// Makes sure that the teacher is here, if it is on a hub.
pub(super) fn fetch_teacher(settings: &Settings, observer: &dyn Observer) -> Result<()> {
    settings.teacher.as_deref().map_or(Ok(()), |teacher| fetched(teacher, observer).map(|_| ()))
}

/// Opens the cache folder, with a warning where it is a temporary one.
pub(super) fn open_cache(observer: &dyn Observer) -> Result<CacheFolder> {
    let (cache, warning) = CacheFolder::open()?;
    warning.iter().for_each(|warning| observer.observe(Progress::Warning(warning)));
    Ok(cache)
}

/// The networks whose features heads are trained on; none where whole networks are trained.
pub(super) fn frozen_bodies(
    resolved: &ResolvedSettings,
    data: &Data,
    device: &ComputeDevice,
) -> Result<Vec<FrozenBody>> {
    if !resolved.settings.frozen() {
        return Ok(Vec::new());
    }
    let (archs, classes) = (resolved.archs(), data.folder.classes.len());
    let weights = resolved.settings.weights_sources();
    archs
        .iter()
        .zip(weights)
        .map(|(arch, weights)| FrozenBody::read(arch, &archs[0], classes, weights, device.candle()))
        .collect()
}

/// A run at work.
pub(super) struct Execution<'a> {
    pub(super) folder: RunFolder,
    pub(super) config: Config,
    pub(super) resolved: ResolvedSettings,
    pub(super) bodies: Vec<FrozenBody>,
    pub(super) cache: CacheFolder,
    pub(super) device: ComputeDevice,
    /// What the run was estimated to need of the GPU's memory.
    pub(super) needed: Option<DeviceMemory>,
    pub(super) observer: &'a dyn Observer,
    pub(super) began: Instant,
    pub(super) resumed: Option<Resumed>,
}

/// What changes in the folder of a run that is gone on with, once everything that can be refused has been checked.
pub(super) struct Resumed {
    /// Whether it has more epochs than before.
    pub(super) is_longer: bool,
    /// Whether it goes on on another kind of device than before.
    pub(super) is_moved: bool,
    /// The new estimate of the whole run, where there is one to be kept.
    pub(super) estimate: Option<Estimate>,
}

impl Execution<'_> {
    /// Trains, and writes all files of the run folder.
    pub(super) fn run(self, data: Data) -> Result<Run> {
        let (device, folder) = (self.device.clone(), self.folder.path().to_owned());
        // A run that is gone on with keeps its batch.
        let batch = self.resumed.is_none().then_some(self.resolved.hyperparameters.batch);
        let (needed, checkpoints) = (self.needed, self.folder.checkpoints());
        self.work(data).map_err(|error| {
            let epochs = Checkpoints::new(checkpoints, 1).newest().ok().flatten().unwrap_or_default();
            device.explained(error, &Attempt { batch, needed, run: Some((&folder, epochs)) })
        })
    }

    fn work(mut self, data: Data) -> Result<Run> {
        let demo = data.stats.demo;
        data.folder.warnings.iter().for_each(|warning| self.observer.observe(Progress::Warning(warning)));
        if let Some(left) = left_in_words(&data.folder.left, Some(&self.folder.file(DATA_ISSUES))) {
            self.observer.observe(Progress::Notice(&left));
        }
        let bodies = std::mem::take(&mut self.bodies);
        let networks = self.networks(self.resolved.hyperparameters.networks(), bodies)?;
        if networks.classifier_made_new {
            self.observer.observe(Progress::Notice(
                "the weights' classifier is for other classes: the networks get a new one, untrained",
            ));
        }
        let provenance = Provenance::of(&self.resolved, &data.folder)?;
        let mut sets = self.sets(data, &networks)?;
        checks::readable(&sets, self.classes(), self.observer)?;
        checks::verified(&sets, &self.resolved.settings, self.observer);
        checks::duplicates(&sets, self.observer);
        checks::held_out(&sets, self.classes(), &self.resolved.settings, self.observer);
        if let Some(teacher) = &self.resolved.settings.teacher {
            let logits = teacher_logits(teacher, &sets.samples, self.classes(), &self.device, self.observer)?;
            sets.train.teacher = Some(logits);
        }
        let start = self.start(&sets.samples)?;

        let mut in_epochs = 0.0;
        let hyperparameters = &self.resolved.hyperparameters;
        let outcome =
            self.train(Training::Main, &networks, (&sets, start.as_ref()), hyperparameters, &mut in_epochs)?;
        let plain = match demo && hyperparameters.method != MethodKind::Ce {
            true => self.plain(&sets, start.as_ref())?.last_accuracy(),
            false => None,
        };
        self.observer.observe(Progress::Notice("judging the labels and writing the page"));
        networks.save(&self.folder.model())?;
        let held_out = self.held_out(&networks, &sets)?;
        let findings = Findings::new(&sets, self.classes(), &outcome, held_out.as_ref())?;
        self.write_tables(&findings, &sets)?;
        let issues = data_issues(&sets, self.classes());
        write_data_issues(&self.folder.file(DATA_ISSUES), &issues)?;

        let timing = read_timing(&self.folder.file("timing.jsonl"))?;
        let other_seconds = self.began.elapsed().as_secs_f64() - in_epochs;
        let estimated = Estimate::read(&self.folder.file(ESTIMATE))?.map(|estimate| estimate.seconds);
        let Settings { features, .. } = &self.resolved.settings;
        let began = match (features, self.resolved.settings.pretrained()) {
            _ if demo => Began::Demo,
            (Some(_), _) => Began::Features,
            (None, Some(_)) => Began::Pretrained,
            (None, None) => Began::Random,
        };
        let made_from = (began, provenance);
        let summary = Summary::new(&findings, &sets, made_from, plain, &timing, other_seconds, estimated)?;
        write_page(&self.folder, &self.config, &summary, None)?;
        // The summary comes last: it is the mark of a finished run.
        summary.write(&self.folder.file("summary.json"))?;
        Ok(Run { folder: self.folder, summary, was_done: false })
    }

    /// Writes what was found out about each image.
    fn write_tables(&self, findings: &Findings<'_>, sets: &Sets) -> Result<()> {
        let (outcome, classes) = (findings.outcome, self.classes().len());
        let images = outcome.losses.len();
        write_npy(&self.folder.file("pred_probs.npy"), findings.predicted(), &[images, classes])?;
        write_npy(&self.folder.file("losses.npy"), &outcome.losses, &[images])?;
        write_matrices(&self.folder, findings)?;
        write_divisions(&self.folder.file("division.json"), outcome)?;
        let table = findings.table();
        write_issues(&self.folder.file("label_issues.csv"), &table)?;
        let settings = &self.resolved.settings;
        let (data, formats) = (settings.data.as_deref().unwrap_or(Path::new("")), settings.format.as_deref());
        let images = ImageFiles::new(data, sets.samples.iter().chain(&sets.test_samples));
        let notices =
            write_formats(&self.folder, formats.unwrap_or_default(), &table, &images, self.classes())?;
        notices.iter().for_each(|notice| self.observer.observe(Progress::Notice(notice)));
        Ok(())
    }

    /// The names of the classes.
    fn classes(&self) -> &[String] {
        self.config.metadata.classes.as_deref().unwrap_or_default()
    }

    /// The networks' predictions of the held-out images, if there are any.
    fn held_out(&self, networks: &Networks, sets: &Sets) -> Result<Option<HeldOut>> {
        let Some(test) = &sets.test else { return Ok(None) };
        let outputs = networks.trained.iter();
        let outputs = outputs.map(|network| logits(network.as_ref(), &test.views, self.observer.stop()));
        let outputs = outputs.collect::<dividemix::Result<Vec<_>>>()?;
        let given: Vec<usize> = sets.test_samples.iter().map(|sample| sample.label).collect();
        HeldOut::new(outputs, &given, self.classes().len()).map(Some)
    }

    fn networks(&self, count: usize, bodies: Vec<FrozenBody>) -> Result<Networks> {
        let ResolvedSettings { settings, arch, hyperparameters, .. } = &self.resolved;
        let weights = settings.weights_sources().next();
        let (seed, device) = (hyperparameters.seed, self.device.candle());
        let features = settings.frozen().then(|| self.resolved.feature_len()).transpose()?;
        Networks::new(arch, self.classes(), count, seed, weights, (bodies, features), device)
    }

    fn sets(&self, data: Data, networks: &Networks) -> Result<Sets> {
        let builder = ViewBuilder {
            arch: &self.resolved.arch,
            augment: self.resolved.augment,
            strong: self.resolved.strong_view.policy(),
            cache: self.resolved.cache,
            cache_folder: self.cache.path(),
            bodies: networks.bodies().iter().map(|body| body.encoder(self.device.candle())).collect(),
            own_features: self.resolved.settings.own_features(),
            observer: self.observer,
            device: self.device.candle(),
        };
        builder.sets(data.folder)
    }

    /// One training, with its lines in the run folder. `in_epochs` grows by the seconds of its epochs.
    fn train(
        &self,
        which: Training,
        networks: &Networks,
        (sets, start): (&Sets, Option<&dividemix::Start>),
        hyperparameters: &CheckedHyperparameters,
        in_epochs: &mut f64,
    ) -> Result<Outcome> {
        let folder = match which {
            Training::Main => self.folder.checkpoints(),
            Training::Plain => self.folder.plain_checkpoints(),
        };
        make_writable(&folder).map_err(Error::io("can't write in", &folder))?;
        let checkpoints = Checkpoints::new(folder, self.resolved.checkpoint_every);
        let checkpoints = checkpoints.bound_to(bound_settings(&self.resolved.settings)?);
        let training = || {
            dividemix::Training::new(&networks.trained, &sets.train, hyperparameters)
                .test(sets.test.as_ref())
                .start_from(start)
                .checkpoints(&checkpoints)
                .stop(self.observer.stop())
        };
        let done = training().epochs_done()?;
        if which == Training::Main {
            self.go_on()?;
        }
        let trajectories = match which {
            Training::Main if self.resolved.settings.trajectories == Some(true) => {
                let (images, epochs) = (sets.samples.len(), hyperparameters.epochs);
                Some(Trajectories::open(&self.folder, images, epochs, done)?)
            }
            Training::Main | Training::Plain => None,
        };
        let mut files = EpochFiles::open(&self.folder, which, done, trajectories)?;
        if done > 0 && which == Training::Main {
            self.observer.observe(Progress::Resumed(done));
        }
        let mut observe = |event: Event| -> dividemix::Result<()> {
            let event = match event {
                Event::Warning(text) => Event::Warning(with_flags(&text)),
                other => other,
            };
            files.add(&event)?;
            if let Event::EpochDone { seconds, .. } = &event {
                *in_epochs += seconds;
            }
            self.observer.observe(Progress::Training(which, &event));
            Ok(())
        };
        Ok(training().run(&mut observe)?)
    }

    /// Changes the folder of a run that is gone on with. From here on it is an unfinished run, of the new length, should this be
    /// interrupted.
    fn go_on(&self) -> Result<()> {
        let Some(Resumed { is_longer, is_moved, estimate }) = &self.resumed else { return Ok(()) };
        self.folder.remove_leftovers()?;
        if *is_longer {
            self.folder.unfinish()?;
        }
        if *is_longer || *is_moved {
            self.config.write(&self.folder.file("config.toml"))?;
        }
        estimate.as_ref().map_or(Ok(()), |estimate| estimate.write(&self.folder.file(ESTIMATE)))
    }

    /// The findings of the run that this one starts from, if there is one.
    fn start(&self, samples: &[Sample]) -> Result<Option<dividemix::Start>> {
        let from = self.resolved.settings.start_from.as_deref();
        from.map(|run| start_from(run, samples, self.classes())).transpose()
    }

    /// Plain training of the same network for as many epochs, to show beside the demo's result.
    fn plain(&self, sets: &Sets, start: Option<&dividemix::Start>) -> Result<Outcome> {
        let hyperparameters = self.resolved.hyperparameters.plain();
        // The demo has no pretrained backbone.
        let networks = self.networks(hyperparameters.networks(), Vec::new())?;
        self.train(Training::Plain, &networks, (sets, start), &hyperparameters, &mut 0.0)
    }
}
