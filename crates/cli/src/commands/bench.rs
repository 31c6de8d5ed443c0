//! `effmix bench`: how fast an architecture is here.

use std::time::Duration;

use dividemix::run::peak_rss_bytes;
use dividemix::throughput;
use effnet_model::Arch;
use serde::Serialize;

use crate::args::{Bench, BenchMode};
use crate::exit::{Failure, Signals};
use crate::output::{print, print_json};

/// Classes of the published networks.
const CLASSES: usize = 1000;

#[derive(Debug, Serialize)]
struct Measured {
    arch: String,
    size: usize,
    batch: usize,
    mode: &'static str,
    threads: usize,
    device: &'static str,
    images_per_s: f64,
    seconds_per_batch: f64,
    batches: usize,
    peak_rss_bytes: Option<u64>,
}

pub(super) fn run(args: &Bench) -> Result<(), Failure> {
    let mut arch = Arch::by_name(&args.arch)?;
    if let Some(size) = args.size {
        arch = arch.with_size(usize::from(size));
    }
    let (batch, mode) = (usize::from(args.batch), args.mode);
    let signals = Signals::listen()?;
    let (work, name) = match mode {
        BenchMode::Train => (dividemix::Task::Train, "train"),
        BenchMode::Predict => (dividemix::Task::Predict, "predict"),
    };
    let time = Duration::from_secs_f64(args.seconds);
    let measured = match throughput(&arch, CLASSES, batch, work, time, signals.stop()) {
        Err(dividemix::Error::Stopped) => return Err(signals.failure()),
        measured => measured?,
    };
    let measured = Measured {
        size: arch.size,
        arch: arch.name,
        batch,
        mode: name,
        threads: rayon::current_num_threads(),
        device: "cpu",
        images_per_s: measured.images_per_s,
        seconds_per_batch: measured.seconds_per_batch,
        batches: measured.batches,
        peak_rss_bytes: peak_rss_bytes(),
    };
    if args.json { print_json(&measured) } else { print(&in_words(&measured)) }
}

fn in_words(m: &Measured) -> String {
    let memory = m.peak_rss_bytes.map_or("unknown".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
    let what = match m.mode {
        "train" => "training",
        _ => "prediction",
    };
    format!(
        "{} at {} px, batches of {}, {} threads\n{what}  {:.1} images/s (median of {} batches, {:.1} ms each)\npeak memory  {memory}\n",
        m.arch,
        m.size,
        m.batch,
        m.threads,
        m.images_per_s,
        m.batches,
        1e3 * m.seconds_per_batch,
    )
}
