//! A run from its settings to its folder, new or gone on with.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use image_folder::Sample;

use super::budget::choose;
use super::cache::CacheFolder;
use super::checks;
use super::config::{Config, Stamp};
use super::data::{Data, Making, Sets, name_of};
use super::estimate::{Done, Estimate, estimate};
use super::evidence::{Began, HeldOut};
use super::features::Body;
use super::files::write_npy;
use super::folder::RunFolder;
use super::hub::lasting;
use super::issues::{Findings, write_issues};
use super::pretrained::{Weights, fetched, with_weights};
use super::progress::{Observer, Progress, Training};
use super::record::{Lines, Timing, read_timing};
use super::resolve::Plan;
use super::room::Room;
use super::settings::{Freeze, Settings};
use super::start::start_from;
use super::summary::Summary;
use super::teacher::teacher_logits;
use super::trajectories::Trajectories;
use super::weights::{FrozenBody, Networks, content_hash};
use crate::{Checkpoints, Error, Event, Hyperparameters, Method, Outcome, Result, logits, train};

/// A run that came to its end.
#[derive(Debug)]
pub struct Finished {
    /// Its folder.
    pub folder: RunFolder,
    /// Its numbers.
    pub summary: Summary,
    /// Whether there was nothing left to do.
    pub was_done: bool,
}

/// Trains by these settings and writes a run folder.
///
/// # Errors
/// Whatever is wrong with settings, data or disk; [`Error::Stopped`] soon after `stop` is raised, and then
/// [`resume`] goes on from the last checkpoint.
pub fn start(settings: &Settings, observe: &Observer<'_>, stop: &AtomicBool) -> Result<Finished> {
    let began = Instant::now();
    let (typed, test_name) = (settings.data.clone(), settings.test.clone());
    let settings = with_lasting_names(settings)?;
    let data = Data::open_named(&settings, test_name.as_deref())?;
    checks::before_fetching(&settings, &data)?;
    let settings = with_weights(settings, typed.as_deref(), &data.facts, observe, stop)?;
    fetch_teacher(&settings, observe, stop)?;
    let cache = open_cache(observe)?;
    let settings = match settings.budget {
        None => settings,
        Some(budget) => {
            settings.clone().resolve(&data.facts)?; // What was said is checked first.
            let choice = choose(&settings, budget, began, &data, cache.path(), stop)?;
            observe(Progress::Chosen(&choice.why));
            choice.settings
        }
    };
    let plan = settings.clone().resolve(&data.facts)?;
    if plan.settings.freeze == Some(Freeze::Body) && settings.freeze.is_none() {
        observe(Progress::Notice(
            "the pretrained network stays as it is, and a small head is trained on its features; --freeze none trains all of it",
        ));
    }
    let body = frozen_body(&plan, &data)?;
    let estimate = estimate(&plan, &data, body.as_ref(), Done::default(), cache.path(), stop)?
        .map(|rest| Estimate { seconds: began.elapsed().as_secs_f64() + rest.seconds, ..rest });
    let name = name_of(settings.data.as_deref());
    if let Some(estimate) = &estimate
        && settings.anyway != Some(true)
    {
        let runs = settings.out.as_deref().unwrap_or(Path::new("runs"));
        Room::here(runs, cache.path()).check(estimate, plan.cache)?;
    }
    let folder = RunFolder::create(settings.out.as_deref(), &name, settings.force.unwrap_or(false))?;
    let config = Config::of_run(&plan.settings, &data.folder.classes);
    let stamp = Stamp {
        weights_hash: plan.settings.pretrained().map(content_hash).transpose()?,
        test_name,
        ..config.stamp
    };
    Config { stamp, ..config }.write(&folder.file("config.toml"))?;
    observe(Progress::Started(folder.path()));
    if let Some(estimate) = &estimate {
        estimate.write(&folder.file(ESTIMATE))?;
        observe(Progress::Estimated(estimate));
    }
    Run { folder, plan, body, cache, observe, stop, began }.execute(data)
}

/// Goes on with an interrupted run from its newest checkpoint, to the same bytes as a run left alone; with a finished
/// one if `epochs` makes it longer, and else says that it is done.
///
/// # Errors
/// A folder that is no run; data that changed its classes; else as [`start`].
pub fn resume(
    run: &Path,
    epochs: Option<usize>,
    observe: &Observer<'_>,
    stop: &AtomicBool,
) -> Result<Finished> {
    let began = Instant::now();
    let (folder, config) = RunFolder::open(run)?;
    let planned = config.settings.epochs.unwrap_or_default();
    if let Some(epochs) = epochs
        && epochs < planned
    {
        let problem = format!("{epochs}, but the run is set to {planned}; resuming can only make it longer");
        return Err(Error::Setting { name: "--epochs", problem });
    }
    let longer = epochs.is_some_and(|epochs| epochs > planned);
    if folder.is_finished() && !longer {
        let summary = Summary::read(&folder.file("summary.json"))?;
        return Ok(Finished { folder, summary, was_done: true });
    }
    let settings = Settings { epochs: epochs.or(config.settings.epochs), ..config.settings };
    let data = Data::open_named(&settings, config.stamp.test_name.as_deref())?;
    let classes = &data.folder.classes;
    if config.stamp.classes.as_ref() != Some(classes) {
        let problem = format!("its data has other classes now: {}", classes.join(", "));
        return Err(Error::Format { path: run.to_owned(), problem });
    }
    if let Some(weights) = settings.pretrained() {
        fetched(weights, observe, stop)?;
        checks::same_weights(weights, config.stamp.weights_hash.as_deref())?;
    }
    fetch_teacher(&settings, observe, stop)?;
    let cache = open_cache(observe)?;
    let plan = settings.resolve(&data.facts)?;
    let body = frozen_body(&plan, &data)?;
    let rest = estimate(&plan, &data, body.as_ref(), Done::of(&folder)?, cache.path(), stop)?;
    observe(Progress::Started(folder.path()));
    if longer {
        // From here on it is an unfinished run of the new length, should this be interrupted.
        let summary = folder.file("summary.json");
        if summary.exists() {
            std::fs::remove_file(&summary).map_err(Error::io("can't remove", &summary))?;
        }
        let stamp = config.stamp.clone();
        Config { stamp, ..Config::of_run(&plan.settings, classes) }.write(&folder.file("config.toml"))?;
    }
    if let Some(rest) = &rest {
        if longer || Estimate::read(&folder.file(ESTIMATE))?.is_none() {
            let so_far: f64 = read_timing(&folder.file("timing.jsonl"))?.iter().map(|t| t.seconds).sum();
            Estimate { seconds: so_far + rest.seconds, ..rest.clone() }.write(&folder.file(ESTIMATE))?;
        }
        observe(Progress::Estimated(rest));
        // What was begun may be gone on with, whatever it takes.
        if let Err(error) = Room::here(folder.path(), cache.path()).check(rest, plan.cache) {
            observe(Progress::Warning(&error.to_string()));
        }
    }
    Run { folder, plan, body, cache, observe, stop, began }.execute(data)
}

/// What the run was to take, in its folder: kept for the summary.
const ESTIMATE: &str = "estimate.json";

/// Makes sure that the teacher is here, if it is on a hub.
fn fetch_teacher(settings: &Settings, observe: &Observer<'_>, stop: &AtomicBool) -> Result<()> {
    settings.teacher.as_deref().map_or(Ok(()), |teacher| fetched(teacher, observe, stop).map(|_| ()))
}

fn open_cache(observe: &Observer<'_>) -> Result<CacheFolder> {
    let (cache, warning) = CacheFolder::open()?;
    warning.iter().for_each(|warning| observe(Progress::Warning(warning)));
    Ok(cache)
}

/// The weights of the body, if it is to stay as it is.
fn frozen_body(plan: &Plan, data: &Data) -> Result<Option<FrozenBody>> {
    match plan.settings.pretrained() {
        Some(weights) if plan.settings.frozen() => {
            FrozenBody::read(&plan.arch, data.folder.classes.len(), weights).map(Some)
        }
        _ => Ok(None),
    }
}

/// A run at work.
struct Run<'a> {
    folder: RunFolder,
    plan: Plan,
    body: Option<FrozenBody>,
    cache: CacheFolder,
    observe: &'a Observer<'a>,
    stop: &'a AtomicBool,
    began: Instant,
}

impl Run<'_> {
    fn execute(mut self, data: Data) -> Result<Finished> {
        let (demo, classes) = (data.facts.demo, data.folder.classes.clone());
        data.folder.warnings.iter().for_each(|warning| (self.observe)(Progress::Warning(warning)));
        let body = self.body.take();
        let networks = self.networks(&classes, self.plan.hyperparameters.networks(), body)?;
        if networks.classifier_made_new {
            (self.observe)(Progress::Notice(
                "the weights' classifier is for other classes: the networks get a new one, untrained",
            ));
        }
        let mut sets = self.sets(data, &networks)?;
        checks::readable(&sets, &classes, self.observe)?;
        checks::held_out(&sets, &classes, &self.plan.settings, self.observe);
        if let Some(teacher) = &self.plan.settings.teacher {
            sets.train.teacher = Some(teacher_logits(teacher, &sets.samples, &classes, self.stop)?);
        }

        let mut in_epochs = 0.0;
        let outcome = self.train(
            Training::Main,
            &networks,
            &sets,
            &classes,
            &self.plan.hyperparameters,
            &mut in_epochs,
        )?;
        let plain = if demo && self.plan.hyperparameters.method != Method::Ce {
            self.plain(&sets, &classes)?.last_accuracy()
        } else {
            None
        };

        networks.save(&self.folder)?;
        let held_out = self.held_out(&networks, &sets, classes.len())?;
        let findings = Findings::new(&sets, &classes, &outcome, held_out.as_ref())?;
        write_npy(
            &self.folder.file("pred_probs.npy"),
            findings.predicted(),
            &[sets.samples.len(), classes.len()],
        )?;
        write_npy(&self.folder.file("losses.npy"), &outcome.losses, &[outcome.losses.len()])?;
        write_issues(&self.folder.file("label_issues.csv"), &findings.table())?;
        let timing = read_timing(&self.folder.file("timing.jsonl"))?;
        let other_seconds = self.began.elapsed().as_secs_f64() - in_epochs;
        let estimated = Estimate::read(&self.folder.file(ESTIMATE))?.map(|estimate| estimate.seconds);
        let began = match (demo, self.plan.settings.pretrained()) {
            (true, _) => Began::Demo,
            (false, Some(_)) => Began::Pretrained,
            (false, None) => Began::Random,
        };
        let summary = Summary::new(&findings, &sets, began, plain, &timing, other_seconds, estimated)?;
        // Last: it says that all the rest is there.
        summary.write(&self.folder.file("summary.json"))?;
        Ok(Finished { folder: self.folder, summary, was_done: false })
    }

    /// What the networks say of the held-out images.
    fn held_out(&self, networks: &Networks, sets: &Sets, classes: usize) -> Result<Option<HeldOut>> {
        let Some(test) = &sets.test else { return Ok(None) };
        let outputs = networks.trained.iter().map(|network| logits(network.as_ref(), &test.views, self.stop));
        let outputs = outputs.collect::<Result<Vec<_>>>()?;
        let given: Vec<usize> = sets.test_samples.iter().map(|sample| sample.label).collect();
        HeldOut::new(outputs, &given, classes).map(Some)
    }

    fn networks(&self, classes: &[String], count: usize, body: Option<FrozenBody>) -> Result<Networks> {
        let Plan { settings, arch, hyperparameters, .. } = &self.plan;
        let weights = settings.pretrained();
        Networks::new(arch, classes, count, hyperparameters.seed, weights, body)
    }

    fn sets(&self, data: Data, networks: &Networks) -> Result<Sets> {
        let making = Making {
            arch: &self.plan.arch,
            augment: self.plan.augment,
            strong: self.plan.strong_view.policy(),
            cache: self.plan.cache,
            cache_folder: self.cache.path(),
            body: networks.body().map(|body| Body { network: &body.network, key: body.key }),
            progress: &|done, total| (self.observe)(Progress::Read { done, total }),
            features: &|done, total| (self.observe)(Progress::Features { done, total }),
            stop: self.stop,
        };
        making.sets(data.folder)
    }

    /// One training, with its lines in the run folder.
    fn train(
        &self,
        which: Training,
        networks: &Networks,
        sets: &Sets,
        classes: &[String],
        hyperparameters: &Hyperparameters,
        in_epochs: &mut f64,
    ) -> Result<Outcome> {
        let (metrics, checkpoints) = match which {
            Training::Main => ("metrics.jsonl", self.folder.checkpoints()),
            Training::Plain => ("plain_metrics.jsonl", self.folder.plain_checkpoints()),
        };
        let start = self.start(&sets.samples, classes)?;
        let checkpoints = Checkpoints::new(checkpoints, self.plan.checkpoint_every);
        let done = checkpoints.newest()?.unwrap_or(0);
        let metrics = Lines::up_to(self.folder.file(metrics), done)?;
        let timing = match which {
            Training::Main => Some(Lines::up_to(self.folder.file("timing.jsonl"), done)?),
            Training::Plain => None,
        };
        let mut trajectories = match which {
            Training::Main if self.plan.settings.trajectories == Some(true) => {
                let (images, epochs) = (sets.samples.len(), hyperparameters.epochs);
                Some(Trajectories::open(&self.folder, images, epochs, done)?)
            }
            Training::Main | Training::Plain => None,
        };
        if done > 0 && which == Training::Main {
            (self.observe)(Progress::GoesOn(done));
        }
        let mut observe = |event: Event| -> Result<()> {
            if let (Event::Evaluated { epoch, seen }, Some(table)) = (&event, &mut trajectories) {
                table.add(*epoch, &seen.losses(), &seen.predicted())?;
            }
            if let Event::EpochDone { records, seconds, images_per_s } = &event {
                metrics.add(records)?;
                *in_epochs += seconds;
                if let (Some(timing), Some(record)) = (&timing, records.first()) {
                    let (epoch, seconds, train_images_per_s) = (record.epoch, *seconds, *images_per_s);
                    timing.add(&[Timing { epoch, seconds, train_images_per_s }])?;
                }
            }
            (self.observe)(Progress::Training(which, &event));
            Ok(())
        };
        train(
            &networks.trained,
            &sets.train,
            sets.test.as_ref(),
            start.as_ref(),
            hyperparameters,
            Some(&checkpoints),
            self.stop,
            &mut observe,
        )
    }

    fn start(&self, samples: &[Sample], classes: &[String]) -> Result<Option<crate::Start>> {
        let from = self.plan.settings.start_from.as_deref();
        from.map(|run| start_from(run, samples, classes)).transpose()
    }

    /// Plain training of the same network for as many epochs, to show beside the demo's result.
    fn plain(&self, sets: &Sets, classes: &[String]) -> Result<Outcome> {
        let hyperparameters = self.plan.hyperparameters.plain();
        // The demo has no pretrained body.
        let networks = self.networks(classes, hyperparameters.networks(), None)?;
        self.train(Training::Plain, &networks, sets, classes, &hyperparameters, &mut 0.0)
    }
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
