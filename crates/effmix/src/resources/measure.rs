//! What a run will take, measured for a moment on its own images and networks.
//!
//! Nothing here touches the run: networks and optimisers are made for the measurement and thrown away, and chance is
//! counter-based, so no stream moves on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use dividemix::memory::{forget_peak_on, memory_used, memory_used_on, peak_on};
use dividemix::{
    Checkpoints, Cost, Costs, EVALUATION_BATCH, MethodKind, Network, TYPICAL_CLEAN_SHARE, View, ViewSource,
    Work,
};
use effnet_model::{Arch, EfficientNet};
use image_folder::{Cache, DemoOptions, Sample, Views};

use super::estimate::Estimate;
use super::not_cached::{pixels_to_read, views_to_encode};
use super::timetable::{Epoch, Timetable, Trained};
use crate::data::{BATCH, Data, PixelViews, transform_for};
use crate::device::{ComputeDevice, DeviceMemory};
use crate::run::{RunFolder, matrix_bytes, read_issues, training_rows};
use crate::settings::{CacheKind, ResolvedSettings};
use crate::weights::{FrozenBody, build, throwaway};
use crate::{Error, Result};

/// Images that are decoded to measure with, and for how long at most.
const IMAGES: usize = 32;
const DECODING: Duration = Duration::from_millis(300);

/// Images decoded between two looks at the clock.
const AT_A_TIME: usize = 4;

/// A network whose views cost more than B0's at 224 pixels is timed on smaller ones: its cost goes with their area.
const LARGEST_PROBED: f64 = 224.0 * 224.0;

/// Bytes of a number.
const F32: u64 = 4;

/// Bytes of a row of `label_issues.csv`, but for the path.
const ROW: u64 = 100;

/// Where a run stands: epochs done, of its training and of the demo's plain one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EpochsDone {
    main: usize,
    plain: usize,
}

impl EpochsDone {
    /// By the checkpoints of a run.
    pub(crate) fn of(folder: &RunFolder) -> Result<Self> {
        let epochs = |folder| Ok::<usize, Error>(Checkpoints::new(folder, 1).newest()?.unwrap_or(0));
        Ok(Self { main: epochs(folder.checkpoints())?, plain: epochs(folder.plain_checkpoints())? })
    }
}

/// Where a run is measured.
#[derive(Clone, Copy)]
pub(crate) struct Here<'a> {
    /// The cache folder.
    pub(crate) cache: &'a Path,
    /// What computes.
    pub(crate) device: &'a ComputeDevice,
    /// The flag that ends the measurement.
    pub(crate) stop: &'a AtomicBool,
}

/// Measures what is left to do of a run. `None` where none of the images that were tried can be read.
///
/// # Errors
/// A network that can't be built; [`Error::Stopped`].
pub(crate) fn estimate(
    plan: &ResolvedSettings,
    data: &Data,
    bodies: &[FrozenBody],
    done: EpochsDone,
    here: &Here<'_>,
) -> Result<Option<Estimate>> {
    let (n, test) = (data.folder.train.len(), data.folder.test.len());
    let ResolvedSettings { hyperparameters: hyper, settings, .. } = plan;
    let clean = match data.stats.demo {
        true => 1.0 - DemoOptions::default().noise_rate,
        false => clean_share(settings.start_from.as_deref(), hyper.threshold)?,
    };
    let plain = (data.stats.demo && hyper.method != MethodKind::Ce).then(|| hyper.plain());
    let mut work = Work::training(hyper, done.main, n, test, clean);
    if let Some(plain) = &plain {
        work = work + Work::training(plain, done.plain, n, test, clean);
    }

    let Here { cache, stop, .. } = *here;
    let device = here.device.candle();
    let (base, used) = (memory_used(), memory_used_on(device));
    let (arch, area) = probed(&plan.arch);
    let frozen = settings.frozen();
    let few = match plan.own_features {
        // No image is read.
        Some(_) => None,
        None => match few_views(&data.folder.train, &arch, plan, stop)? {
            None => return Ok(None),
            few => few,
        },
    };
    let decoding = few.as_ref().map_or(0.0, |(_, decoding)| *decoding);
    let length = plan.feature_len()?;
    let heads = frozen.then_some(length);
    let networks = throwaway(&arch, data.stats.classes, hyper.networks(), heads, hyper.seed, device)?;
    let left = |number: usize| views_to_encode(plan, data, (bodies.get(number), device), cache);
    let to_encode: Vec<[usize; 2]> =
        if frozen { (0..plan.archs().len()).map(left).collect::<Result<_>>()? } else { Vec::new() };
    // With features in the cache no image is read.
    let reads = !frozen || to_encode.iter().any(|views| *views != [0; 2]);
    let to_read = if reads { pixels_to_read(plan, data, cache)? } else { [0; 2] };
    let [mut of_train, mut of_test] = to_read.map(|images| decoding * images as f64);
    let bytes = Bytes::of(&networks, plan, data)?;

    let mut memory = Vec::new();
    let (loop_views, area): (Arc<dyn ViewSource>, f64) = if let (false, Some((views, _))) = (frozen, few) {
        (Arc::new(PixelViews::new(views, plan.strong_view.policy(), device)?), area)
    } else {
        for (number, (own, [train, test])) in plan.archs().iter().zip(&to_encode).enumerate() {
            let views_to_encode @ 1.. = train + test else { continue };
            let (arch, area) = probed(own);
            let Some((views, _)) = few_views(&data.folder.train, &arch, plan, stop)? else { continue };
            let body = (bodies.get(number), device);
            let cost = body_cost(&arch, data.stats.classes, body, views, views_to_encode)?;
            of_train += area * cost.seconds * *train as f64;
            of_test += area * cost.seconds * *test as f64;
            memory.push((cost, BATCH.min(n), area));
        }
        (Arc::new(Random::new(length, device)), 1.0)
    };
    let costs = Costs::measure(&networks, &loop_views, data.stats.classes, hyper, (n, &work), stop)?;
    let mut timetable = Timetable::default();
    [of_train, of_test].into_iter().for_each(|seconds| timetable.add_images(seconds));
    let (data_of, costs_of) = ((n, test, clean), (&costs, area));
    let of = |hyper, done, epoch| Trained { hyper, done, epoch, data: data_of, costs: costs_of };
    timetable.add_training(&of(hyper, done.main, Epoch::Main));
    plain.iter().for_each(|plain| timetable.add_training(&of(plain, done.plain, Epoch::Plain)));

    memory.push((costs.evaluated, EVALUATION_BATCH.min(n), area));
    // Each with the images of its batch: a set of few has smaller ones.
    let (of_all, of_half) = (hyper.batch.min(n), hyper.batch.min(n / 2));
    let mut trained = vec![((costs.plain, of_all, area), of_all)];
    if work.mixed > 0 {
        trained.push(((costs.mixed, Costs::rows_mixed(of_half, hyper), area), of_half));
    }
    let takes = |(cost, rows, area): &(Cost, usize, f64)| bytes.rows(cost, *rows, *area, used?);
    let evaluation = memory.iter().filter_map(takes).max();
    let training = trained.iter().filter_map(|(of, _)| takes(of)).max();
    let an_image =
        trained.iter().filter_map(|(of, images)| Some(takes(of)?.div_ceil(*images.max(&1) as u64))).max();
    let activations = evaluation.max(training);
    // Decoded images have three bytes a pixel, with opacity six.
    let bytes_a_pixel = if plan.arch.channels == 4 { 6 } else { 3 };
    let pixels = |images: usize| images as u64 * (plan.arch.size * plan.arch.size * bytes_a_pixel) as u64;
    let in_memory = if plan.cache == CacheKind::Ram && reads { pixels(n + test) } else { 0 };
    // Networks and what they compute are in the memory of the device, a checkpoint's copy of them and images in that of the process.
    let (memory_bytes, device_memory) = if device.is_cpu() {
        let all = |(base, activations): (u64, u64)| {
            base + in_memory + bytes.networks + bytes.tables + activations.max(bytes.checkpoint)
        };
        (base.zip(activations).map(all), None)
    } else {
        let on_device = |((used, evaluation), (training, an_image))| {
            DeviceMemory::new(used + bytes.networks, evaluation, an_image, training)
        };
        let on_device = used.zip(evaluation).zip(training.zip(an_image)).map(on_device);
        (base.map(|base| base + in_memory + bytes.tables + bytes.checkpoint), on_device)
    };
    // Features, and pixels that go to a file; all but the epochs.
    let cached_seconds = if frozen || plan.cache == CacheKind::Disk { of_train + of_test } else { 0.0 };
    let on_disk = if plan.cache == CacheKind::Disk { pixels(to_read.iter().sum()) } else { 0 };
    // Once as they are computed, once as a file with its header.
    let of_body = |(arch, views): (&Arch, &[usize; 2])| {
        Ok(2 * F32 * arch.plan()?.head as u64 * views.iter().sum::<usize>() as u64)
    };
    let features = plan.archs().iter().zip(&to_encode).map(of_body).sum::<Result<u64>>()?;
    let run_bytes = 2 * bytes.checkpoint + bytes.results;
    let (seconds, cache_bytes) = (timetable.seconds(), on_disk + features);
    Ok(Some(Estimate {
        seconds,
        cached_seconds,
        timetable,
        memory_bytes,
        device_memory,
        run_bytes,
        cache_bytes,
    }))
}

/// The share of labels that divisions keep: as in the run that this one starts from, if it is there.
fn clean_share(run: Option<&Path>, threshold: f64) -> Result<f64> {
    let file = run.map(|run| run.join("label_issues.csv")).filter(|file| file.is_file());
    let Some(file) = file else { return Ok(TYPICAL_CLEAN_SHARE) };
    let issues = training_rows(read_issues(&file)?);
    let kept = issues.iter().filter(|issue| issue.p_clean.is_some_and(|clean| clean > threshold)).count();
    Ok(kept as f64 / issues.len().max(1) as f64)
}

/// The architecture that is timed, and how many times the area of its images the real ones have.
///
/// Cost goes as depth, the square of width and the square of the side (Tan & Le, equation 3).
fn probed(arch: &Arch) -> (Arch, f64) {
    let relative = arch.scaling.depth * arch.scaling.width.powi(2) * (2.0 / arch.stem_stride as f64).powi(2);
    let side = (LARGEST_PROBED / relative).sqrt().max(32.0) as usize;
    if side >= arch.size {
        return (arch.clone(), 1.0);
    }
    (arch.clone().with_size(side), (arch.size as f64 / side as f64).powi(2))
}

/// Views of a few images spread over the set, and the seconds that an image took to read.
fn few_views(
    samples: &[Sample],
    arch: &Arch,
    plan: &ResolvedSettings,
    stop: &AtomicBool,
) -> Result<Option<(Views, f64)>> {
    let step = samples.len().div_ceil(IMAGES).max(1);
    let few: Vec<Sample> = samples.iter().step_by(step).cloned().collect();
    let transform = transform_for(arch, plan.augment);
    let read =
        |samples: Vec<Sample>, cache| Views::build(samples, transform.clone(), cache, &|_, _| (), stop);
    let began = Instant::now();
    let mut tried = 0;
    let mut readable = Vec::new();
    for some in few.chunks(AT_A_TIME) {
        let (views, _) = read(some.to_vec(), Cache::None)?;
        readable.extend_from_slice(views.samples());
        tried += some.len();
        if began.elapsed() > DECODING {
            break;
        }
    }
    if readable.is_empty() {
        return Ok(None);
    }
    let decoding = began.elapsed().as_secs_f64() / tried as f64;
    // A frozen backbone decodes each image once: the time of its views is that of the backbone alone.
    let decodes_each_time = plan.cache == CacheKind::None && !plan.settings.frozen();
    let cache = if decodes_each_time { Cache::None } else { Cache::Ram };
    Ok(Some((read(readable, cache)?.0, decoding)))
}

/// What a view through a frozen body takes: in a small batch first, and in a larger one if all of the work is long.
fn body_cost(
    arch: &Arch,
    classes: usize,
    (body, device): (Option<&FrozenBody>, &Device),
    views: Views,
    work: usize,
) -> Result<Cost> {
    let own;
    let encoder = body.map(|body| body.encoder(device));
    let network: &EfficientNet = match &encoder {
        Some(encoder) => encoder.network,
        None => {
            own = build(arch, classes, 0, device)?;
            &own.0
        }
    };
    let network = network.evaluator()?;
    let views = PixelViews::new(views, None, device)?;
    let time = |rows: usize| -> Result<Cost> {
        let samples: Vec<usize> = (0..rows).map(|i| i % views.len()).collect();
        forget_peak_on(device);
        let began = Instant::now();
        network.features(&views.plain(&samples)?)?;
        device.synchronize()?;
        Ok(Cost { seconds: began.elapsed().as_secs_f64() / rows as f64, rows, peak: peak_on(device) })
    };
    time(AT_A_TIME)?;
    let cost = time(AT_A_TIME)?;
    let affordable = (0.01 * work as f64).min(0.5 / cost.seconds) as usize;
    match BATCH.min(affordable) {
        rows if rows > AT_A_TIME => {
            time(rows)?;
            time(rows)
        }
        _ => Ok(cost),
    }
}

/// Sizes that follow from the architecture and the set.
struct Bytes {
    /// Parameters, statistics, velocities and averages of all networks, and the gradients of one.
    networks: u64,
    /// Of that, what is there while views are timed.
    timed: u64,
    checkpoint: u64,
    /// Tables with a number for each image and class, which nobody sees of few classes: logits of each network, twice while they are
    /// made anew, and probabilities; the same once of the held-out images.
    tables: u64,
    /// What is left in the run folder beside the last checkpoint.
    results: u64,
}

impl Bytes {
    fn of(networks: &[Box<dyn Network>], plan: &ResolvedSettings, data: &Data) -> Result<Self> {
        let (n, test) = (data.folder.train.len() as u64, data.folder.test.len() as u64);
        let (k, classes) = (networks.len() as u64, data.stats.classes as u64);
        let count = |vars: Vec<(String, candle_core::Var)>| {
            vars.iter().map(|(_, v)| v.elem_count() as u64).sum::<u64>()
        };
        let (trained, moving) = (count(networks[0].parameters()), count(networks[0].buffers()));
        let averaged = if plan.hyperparameters.ema.is_some() { trained + moving } else { 0 };
        let network = |arch: &Arch| Ok(arch.parameters(data.stats.classes)? as u64);
        let whole = match plan.own_features.is_none() && plan.bodies.is_empty() {
            true => k * (network(&plan.arch)? + moving),
            // Bodies once, if there are any, and heads.
            false => plan.bodies.iter().map(network).sum::<Result<u64>>()? + k * (trained + moving),
        };
        let paths: u64 = data.folder.train.iter().map(|sample| sample.path.len() as u64 + ROW).sum();
        Ok(Self {
            networks: F32 * (k * (2 * trained + moving + averaged) + trained),
            timed: F32 * (k * (trained + moving) + 2 * trained + averaged),
            // Parameters, velocities, statistics, averages, logits; margins are f64, and there may be two tables of probabilities.
            checkpoint: F32 * (k * (2 * trained + moving + averaged + n * classes) + n * (3 + 2 * classes)),
            tables: F32 * classes * ((2 * k + 2) * n + (k + 2) * test),
            results: F32 * (whole + n * (classes + 1)) + paths + matrix_bytes(data.stats.classes),
        })
    }

    /// What so many views of `area` times the size take beside the networks, by what some took.
    fn rows(&self, cost: &Cost, rows: usize, area: f64, base: u64) -> Option<u64> {
        let some = cost.peak?.saturating_sub(base).saturating_sub(self.timed);
        Some((some as f64 / cost.rows as f64 * rows as f64 * area) as u64)
    }
}

/// Features by chance, to time a head on.
struct Random {
    values: Vec<f32>,
    length: usize,
    device: Device,
}

impl Random {
    fn new(length: usize, device: &Device) -> Self {
        let value = |i: usize| effnet_model::splitmix64(i as u64) as f32 / u64::MAX as f32;
        let values = (0..IMAGES * length).map(value).collect();
        Self { values, length, device: device.clone() }
    }

    fn rows(&self, samples: impl ExactSizeIterator<Item = usize>) -> Result<Tensor> {
        let shape = (samples.len(), self.length);
        let row = |sample: usize| &self.values[sample * self.length..][..self.length];
        let rows: Vec<f32> = samples.flat_map(row).copied().collect();
        Ok(Tensor::from_vec(rows, shape, &self.device)?)
    }
}

impl ViewSource for Random {
    fn len(&self) -> usize {
        IMAGES
    }

    fn plain(&self, samples: &[usize]) -> dividemix::Result<Tensor> {
        Ok(self.rows(samples.iter().copied())?)
    }

    fn augmented(&self, views: &[View]) -> dividemix::Result<Tensor> {
        Ok(self.rows(views.iter().map(|view| view.sample))?)
    }
}
