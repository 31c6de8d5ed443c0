//! `effmix noise`: a labels CSV with wrong labels injected.
//!
//! | file | holds |
//! |---|---|
//! | `transition` | a transition matrix from a file |
//! | `images` | what noise by the image needs: pixels, or a network's probabilities |
//! | `outcome` | what came out, for people and as JSON |

mod images;
mod outcome;
mod transition;

use std::sync::Arc;

use effmix::files::write_atomic;
use effmix::{RunFolder, left_in_words};
use image_folder::{ImageFolder, OpenOptions, Sample, TestSplit};
use noisy_labels::ClassTable;
use noisy_labels::noise::{InstanceNoise, Transition, asymmetric, confused, symmetric};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use self::images::ImageValues;
use self::outcome::Outcome;
use crate::args::{Noise, NoiseKind};
use crate::failure::Failure;
use crate::output::{may_write, print, print_json, tell};

/// Files that are left out, and are named on the screen.
const SKIPPED_NAMED: usize = 10;

/// What our labels CSVs begin with.
const HEADER: [&str; 3] = ["path", "label", "true_label"];

pub(super) fn run(args: &Noise) -> Result<(), Failure> {
    let kind = kind(args)?;
    if let Some(rate) = args.rate.filter(|rate| !(0.0..=1.0).contains(rate)) {
        return Err(Failure::Usage(format!("--rate: {rate} is not allowed; it must be from 0 to 1")));
    }
    may_write(&args.out, args.force, (HEADER.join(",") + "\n").as_bytes())?;

    let is_output: Option<fn(&std::path::Path) -> bool> = Some(RunFolder::is_at);
    let options = OpenOptions { test: TestSplit::Folders, is_output, ..OpenOptions::default() };
    let set = image_folder::open(&args.data, &options)?;
    set.warnings.iter().for_each(|warning| tell(&format!("warning: {warning}")));
    left_in_words(&set.left, None).iter().for_each(|left| tell(left));
    let Labels { samples, truth, given, skipped } = labels(args, kind, &set)?;
    for skipped in skipped.iter().take(SKIPPED_NAMED) {
        tell(&format!("warning: {}: {}; it is left out", skipped.path, skipped.reason));
    }
    if let Some(more) = skipped.len().checked_sub(SKIPPED_NAMED).filter(|more| *more > 0) {
        tell(&format!("warning: {more} more files that can't be read are left out (--json lists all)"));
    }
    write_atomic(&args.out, |out| {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(HEADER).map_err(std::io::Error::other)?;
        for ((sample, given), truth) in samples.iter().zip(&given).zip(&truth) {
            let row = [&sample.path, &set.classes[*given], &set.classes[*truth]];
            csv.write_record(row).map_err(std::io::Error::other)?;
        }
        csv.flush()
    })?;
    let outcome = Outcome::new(args, kind, &set.classes, (&given, &truth), skipped)?;
    if args.json { print_json(&outcome) } else { print(&outcome.in_words()) }
}

/// The kind that was asked for, with flags that go with it.
fn kind(args: &Noise) -> Result<NoiseKind, Failure> {
    let usage = |problem: &str| Err(Failure::Usage(problem.to_owned()));
    let kind = args.kind.unwrap_or(match (&args.transition, &args.model) {
        (Some(_), _) => NoiseKind::Asymmetric,
        (None, Some(_)) => NoiseKind::Confusion,
        (None, None) => NoiseKind::Symmetric,
    });
    if args.transition.is_some() && kind != NoiseKind::Asymmetric {
        return usage("--transition goes with --kind asymmetric");
    }
    if args.model.is_some() && kind != NoiseKind::Confusion {
        return usage("--model goes with --kind confusion");
    }
    if args.model.is_none() && kind == NoiseKind::Confusion {
        return usage("--kind confusion needs --model MODEL, a network that knows the classes");
    }
    Ok(kind)
}

/// The images that get a row, with their true and given classes, and those that don't.
struct Labels {
    samples: Vec<Sample>,
    truth: Vec<usize>,
    given: Vec<usize>,
    skipped: Vec<image_folder::Skipped>,
}

fn labels(args: &Noise, kind: NoiseKind, set: &ImageFolder) -> Result<Labels, Failure> {
    let classes = set.classes.len();
    let rate = args.rate.unwrap_or(1.0);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(args.seed);
    let all: Arc<[Sample]> = Arc::from(set.train.as_slice());
    let ImageValues { samples, values, skipped } = match kind {
        NoiseKind::Instance => images::pixels(&all)?,
        NoiseKind::Confusion => images::probabilities(args, &all, &set.classes)?,
        _ => ImageValues::none(set.train.clone()),
    };
    let truth: Vec<usize> = samples.iter().map(|sample| sample.label).collect();
    let given = match kind {
        NoiseKind::Symmetric => symmetric(&truth, classes, rate, true, &mut rng)?,
        NoiseKind::SymmetricOther => symmetric(&truth, classes, rate, false, &mut rng)?,
        NoiseKind::Pair => asymmetric(&truth, &Transition::pair_flip(classes), rate, &mut rng)?,
        NoiseKind::Asymmetric => asymmetric(&truth, &matrix(args, &set.classes)?, rate, &mut rng)?,
        NoiseKind::Instance => InstanceNoise::new(&values, &truth, classes, rate, &mut rng)?.draw(&mut rng),
        NoiseKind::Confusion => confused(&ClassTable::new(values, classes)?, &truth, args.rate, &mut rng)?,
    };
    Ok(Labels { samples, truth, given, skipped })
}

/// The matrix of the file, or the one that is published for these classes.
fn matrix(args: &Noise, classes: &[String]) -> Result<Transition, Failure> {
    match &args.transition {
        Some(file) => transition::read(file, classes),
        None => Transition::published(classes).map_err(|error| {
            Failure::Usage(format!(
                "--kind asymmetric needs --transition FILE, but for CIFAR-10's or CIFAR-100's classes: {error}"
            ))
        }),
    }
}
