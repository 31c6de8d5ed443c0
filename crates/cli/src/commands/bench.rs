//! `effmix bench`: how fast an architecture is here.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use dividemix::memory::peak_rss_bytes;
use dividemix::{Hyperparameters, MethodKind};
use effmix::{ComputeDevice, Task, human_duration, throughput, training_seconds};
use effnet_model::Arch;
use serde::Serialize;

use crate::args::{Bench, BenchMode};
use crate::failure::Failure;
use crate::output::{computing_on, print, print_json, tell};
use crate::signals::Signals;

/// Classes of the published networks.
const CLASSES: usize = 1000;

#[derive(Debug, Serialize)]
struct Measured {
    arch: String,
    size: usize,
    batch: usize,
    mode: &'static str,
    threads: usize,
    device: String,
    /// What the device is, in words.
    #[serde(skip)]
    described: String,
    images_per_s: f64,
    seconds_per_batch: f64,
    batches: usize,
    peak_rss_bytes: Option<u64>,
    /// On a GPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_peak_bytes: Option<u64>,
    /// In mode train.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<Estimate>,
}

/// How long a training would take.
#[derive(Debug, Serialize)]
struct Estimate {
    method: MethodKind,
    images: usize,
    epochs: usize,
    seconds: f64,
}

/// Classes of the training whose time is estimated: how many hardly matters.
const ESTIMATED_CLASSES: usize = 10;

/// Part of an estimated training's epochs that is warm-up, as in `train`'s own recipes (8 of 20, 4 of 10).
const WARMUP: f64 = 0.4;

/// Part of the time that goes to the measurement of batches; the rest is for the estimate.
const ON_BATCHES: f64 = 0.85;

pub(super) fn run(args: &Bench) -> Result<(), Failure> {
    let mut arch = Arch::by_name(&args.arch)?;
    if let Some(size) = args.size {
        arch = arch.with_size(usize::from(size));
    }
    let (batch, mode) = (usize::from(args.batch), args.mode);
    let device = args.device.open()?;
    tell(&computing_on(&device.describe()));
    let signals = Signals::listen()?;
    let (work, name) = match mode {
        BenchMode::Train => (Task::Train, "train"),
        BenchMode::Predict => (Task::Predict, "predict"),
    };
    let time = match mode {
        BenchMode::Train => ON_BATCHES * args.seconds,
        BenchMode::Predict => args.seconds,
    };
    let time = Duration::from_secs_f64(time);
    let measure = || -> effmix::Result<_> {
        let measured = throughput(&arch, CLASSES, batch, work, time, &device, signals.stop())?;
        // Before the estimate, which measures a peak of its own and starts the count anew.
        let peak = peak_rss_bytes();
        let estimate = match mode {
            BenchMode::Train => Some(estimate(&arch, args, &device, signals.stop())?),
            BenchMode::Predict => None,
        };
        Ok((measured, peak, estimate))
    };
    let (measured, peak_rss_bytes, estimate) = match measure() {
        Err(effmix::Error::Stopped) => return Err(signals.failure()),
        measured => measured?,
    };
    let measured = Measured {
        size: arch.size,
        arch: arch.name,
        batch,
        mode: name,
        threads: rayon::current_num_threads(),
        device: device.choice().to_string(),
        described: device.name(),
        images_per_s: measured.images_per_s,
        seconds_per_batch: measured.seconds_per_batch,
        batches: measured.batches,
        peak_rss_bytes,
        device_peak_bytes: measured.device_peak_bytes,
        estimate,
    };
    if args.json { print_json(&measured) } else { print(&in_words(&measured)) }
}

fn estimate(
    arch: &Arch,
    args: &Bench,
    device: &ComputeDevice,
    stop: &AtomicBool,
) -> effmix::Result<Estimate> {
    let (images, epochs) = (args.images as usize, usize::from(args.epochs));
    let warmup = (WARMUP * epochs as f64).round() as usize;
    let hyper = Hyperparameters {
        method: args.method,
        epochs,
        warmup,
        batch: usize::from(args.batch).max(2),
        ..Hyperparameters::default()
    };
    let seconds = training_seconds(arch, ESTIMATED_CLASSES, images, &hyper.check()?, device, stop)?;
    Ok(Estimate { method: args.method, images, epochs, seconds })
}

fn in_words(m: &Measured) -> String {
    let mebibytes = |bytes: u64| format!("{} MiB", bytes >> 20);
    let memory = m.peak_rss_bytes.map_or("unknown".to_owned(), mebibytes);
    let on_gpu =
        m.device_peak_bytes.map_or_else(String::new, |bytes| format!(", {} on the GPU", mebibytes(bytes)));
    let what = match m.mode {
        "train" => "training",
        _ => "prediction",
    };
    let training = m.estimate.as_ref().map_or_else(String::new, |e| {
        let name = match e.method {
            MethodKind::DivideMix => "DivideMix training".to_owned(),
            MethodKind::Ce => "plain training".to_owned(),
            other => format!("training by {other:?}").to_lowercase(),
        };
        let time = human_duration(e.seconds);
        format!("a {name} of {} images for {} epochs would take about {time}\n", e.images, e.epochs)
    });
    format!(
        "{} at {} px, batches of {}, on {}\n{what}  {:.1} images/s (median of {} batches, {:.1} ms each)\npeak memory  {memory}{on_gpu}\n{training}",
        m.arch,
        m.size,
        m.batch,
        m.described,
        m.images_per_s,
        m.batches,
        1e3 * m.seconds_per_batch,
    )
}
