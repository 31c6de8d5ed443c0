//! The papers' own setting: two PreAct-ResNet-18 on CIFAR-10's images at 32 pixels, by a preset's numbers.
//!
//! `cargo run --release -p dividemix --example papers -- DATA LABELS.csv cifar10-sym50 dividemix OUT [PER_CLASS [EPOCHS]]`
//!
//! DATA has `train/CLASS` and `test/CLASS`; the CSV has the columns path, label, true_label, as `effmix noise` writes them. OUT gets
//! checkpoints, from which the same command goes on, and summary.json. 300 epochs of all images are for a large machine: with
//! PER_CLASS and EPOCHS it can be seen small.

#[path = "preact_resnet/mod.rs"]
mod preact_resnet;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dividemix::candle::{Device, Tensor};
use dividemix::{
    Checkpoints, Error, Event, Hyperparameters, Network, Preset, Result, TestSet, Training, TrainingSet,
    View, ViewSource,
};
use image_folder::{
    Batch, Cache, Channels, Fit, Interpolation, LabelsCsv, OpenOptions, Sample, TestSplit, Transform, Views,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use preact_resnet::PreActResNet18;

/// Channels after the stem.
const WIDTH: usize = 64;

/// As the authors' code prepares CIFAR-10: crops of 32 pixels with 4 black ones around, mirrored or not.
const CIFAR: Transform = Transform {
    size: 32,
    fit: Fit::Crop,
    resized: 32,
    channels: Channels::Rgb,
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2023, 0.1994, 0.2010],
    interpolation: Interpolation::Bicubic,
    flip: true,
    crop_padding: 4,
};

/// The result of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) test_accuracy_best: Option<f64>,
    pub(crate) test_accuracy_last: Option<f64>,
    /// AUC of the last epoch's clean probability.
    pub(crate) division_auc: Option<f64>,
    /// Seconds of training in this process: those before a checkpoint are not counted.
    pub(crate) seconds: f64,
}

/// Trains on `data` with the labels of `csv`; `per_class` images of each class, to train and to test on, where that is given.
///
/// # Errors
/// What is wrong with the folder, the file, or the training.
pub(crate) fn run(
    (data, csv, out): (&Path, &Path, &Path),
    hyper: &Hyperparameters,
    (width, per_class): (usize, Option<usize>),
    mut tell: impl FnMut(&str),
) -> Result<Summary> {
    let labels = LabelsCsv { truth_column: Some("true_label".into()), ..LabelsCsv::new(csv) };
    let options =
        OpenOptions { labels: Some(labels), test: TestSplit::Folders, per_class, ..OpenOptions::default() };
    let folder = image_folder::open(data, &options).map_err(Error::caller)?;
    let views = |samples: Vec<Sample>| {
        Views::build(samples, CIFAR, Cache::Ram, &|_, _| (), &STOP).map_err(Error::caller)
    };
    let test = first_of_each_class(folder.test, per_class.unwrap_or(usize::MAX));
    let (train_views, test_views) = (views(folder.train)?.0, views(test)?.0);
    let of = |views: &Views, label: fn(&Sample) -> usize| views.samples().iter().map(label).collect();
    let test = TestSet {
        labels: of(&test_views, |s| s.truth.unwrap_or(s.label)),
        views: Arc::new(Images(test_views)),
    };
    let training = TrainingSet {
        labels: of(&train_views, |s| s.label),
        truth: train_views.samples().iter().map(|s| s.truth).collect(),
        sure: None,
        classes: folder.classes.len(),
        teacher: None,
        views: Arc::new(Images(train_views)),
    };
    let hyper = hyper.check()?;
    let network = |k| -> Result<Box<dyn Network>> {
        Ok(Box::new(PreActResNet18::new(width, training.classes, hyper.seed * 2 + k)?))
    };
    let networks = (0..hyper.networks() as u64).map(network).collect::<Result<Vec<_>>>()?;
    let checkpoints = Checkpoints::new(out.join("checkpoints"), 1);
    let mut observe = |event: Event| {
        if let Event::EpochDone { records, seconds, .. } = event
            && let Some(accuracy) = records[0].test_accuracy
        {
            tell(&format!("epoch {}: {:.2} % after {seconds:.0} s", records[0].epoch, 100.0 * accuracy));
        }
        Ok(())
    };
    let found = Training::new(&networks, &training, &hyper)
        .test(&test)
        .checkpoints(&checkpoints)
        .run(&mut observe)?;
    let summary = Summary {
        test_accuracy_best: found.best_accuracy(),
        test_accuracy_last: found.last_accuracy(),
        division_auc: found.records.iter().rev().find_map(|record| record.division_auc),
        seconds: found.trained.1,
    };
    let text = serde_json::to_vec_pretty(&summary).map_err(Error::caller)?;
    std::fs::write(out.join("summary.json"), text).map_err(Error::caller)?;
    Ok(summary)
}

/// The program is stopped by ending the process.
static STOP: AtomicBool = AtomicBool::new(false);

/// Decoded images as tensors `[B, 32, 32, 3]`.
struct Images(Views);

impl ViewSource for Images {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn plain(&self, samples: &[usize]) -> Result<Tensor> {
        to_tensor(self.0.plain(samples).map_err(Error::caller)?)
    }

    fn augmented(&self, views: &[View]) -> Result<Tensor> {
        let seeded: Vec<(usize, u64)> = views.iter().map(|view| (view.sample, view.seed)).collect();
        to_tensor(self.0.augmented(&seeded).map_err(Error::caller)?)
    }
}

fn to_tensor(batch: Batch) -> Result<Tensor> {
    let [n, h, w, c] = batch.shape;
    Ok(Tensor::from_vec(batch.pixels, (n, h, w, c), &Device::Cpu)?)
}

/// The first `count` test images of each class, as [`OpenOptions::per_class`] selects the training images.
fn first_of_each_class(samples: Vec<Sample>, count: usize) -> Vec<Sample> {
    let mut taken = HashMap::new();
    let is_wanted = |sample: &Sample| {
        let taken: &mut usize = taken.entry(sample.label).or_default();
        *taken += 1;
        *taken <= count
    };
    samples.into_iter().filter(is_wanted).collect()
}

/// A preset or a method, by its name.
fn named<T: DeserializeOwned>(name: &str) -> Result<T> {
    serde_json::from_value(name.into()).map_err(Error::caller)
}

#[allow(clippy::print_stdout, dead_code, reason = "its result; a test calls `run`")]
fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, csv, preset, method, out, small @ ..] = arguments.as_slice() else {
        return Err(Error::Data("DATA LABELS.csv PRESET METHOD OUT [PER_CLASS [EPOCHS]] are needed".into()));
    };
    let number = |place: usize| small.get(place).and_then(|text| text.parse::<usize>().ok());
    let published = named::<Preset>(preset)?.hyperparameters();
    let epochs = number(1).unwrap_or(published.epochs);
    let hyper = Hyperparameters {
        method: named(method)?,
        epochs,
        warmup: published.warmup.min(epochs / 2),
        ..published
    };
    let paths = (Path::new(data), Path::new(csv), Path::new(out));
    let found = run(paths, &hyper, (WIDTH, number(0)), |line| println!("{line}"))?;
    println!("{found:#?}");
    Ok(())
}
