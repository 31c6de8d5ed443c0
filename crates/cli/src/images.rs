//! A model's outputs for images, in their order; what can't be read has a place of its own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, io};

use dividemix::run::to_tensor;
use effnet_model::TestViews;
use image_folder::{Cache, Pixels, Sample, Skipped, Transform, Views};

use crate::args::Tta;
use crate::cam;
use crate::exit::{Failure, Signals};
use crate::model::Predictor;
use crate::terminal::Counter;

/// Endings of files that are looked for in folders; files that are named are read whatever their ending.
const ENDINGS: [&str; 6] = ["jpg", "jpeg", "png", "webp", "bmp", "gif"];

/// What is asked of a model beside its logits.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted<'a> {
    /// Views to average over.
    pub(crate) tta: Option<Tta>,
    /// Global features.
    pub(crate) embeddings: bool,
    /// A picture of the likeliest class's activation map, in this folder.
    pub(crate) cam: Option<&'a Path>,
}

/// What a model says of images.
pub(crate) struct Outputs {
    /// `[N, classes]`; NaN where an image can't be read.
    pub(crate) logits: Vec<f32>,
    /// `[N, features]` if asked for; NaN where an image can't be read.
    pub(crate) embeddings: Option<Vec<f32>>,
    /// Length of a feature.
    pub(crate) features: usize,
    /// Which images can't be read, and why.
    pub(crate) skipped: Vec<Skipped>,
}

impl Outputs {
    /// Of all samples, a batch at a time, so that any number of them fits into memory.
    pub(crate) fn of(
        predictor: &Predictor,
        samples: &[Sample],
        wanted: Wanted<'_>,
        signals: &Signals,
    ) -> Result<Self, Failure> {
        let classes = predictor.classes();
        let features = predictor.model.feature_len();
        let mut all = Self {
            logits: Vec::with_capacity(samples.len() * classes),
            embeddings: wanted.embeddings.then(Vec::new),
            features,
            skipped: Vec::new(),
        };
        let counter = Counter::new("images", samples.len());
        for (index, batch) in samples.chunks(predictor.batch).enumerate() {
            if signals.stop().load(Ordering::Relaxed) {
                return Err(signals.failure());
            }
            let added = all.add(predictor, (index * predictor.batch, batch), wanted, signals.stop());
            added.map_err(|e| if signals.stop().load(Ordering::Relaxed) { signals.failure() } else { e })?;
            counter.add(batch.len());
        }
        Ok(all)
    }

    /// A batch, whose first sample is number `first` of all.
    fn add(
        &mut self,
        predictor: &Predictor,
        (first, batch): (usize, &[Sample]),
        wanted: Wanted<'_>,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        let quiet = |_: usize, _: usize| {};
        let (views, skipped) =
            Views::build(batch.to_vec(), predictor.transform.clone(), Cache::Ram, &quiet, stop)?;
        let readable: Vec<usize> = (0..views.len()).collect();
        let (mut logits, mut embeddings) = (Vec::new(), Vec::new());
        if !readable.is_empty() {
            let images = to_tensor(views.plain(&readable)?)?;
            logits = match wanted.tta {
                None => predictor.model.logits(&images)?,
                Some(Tta::Flip) => predictor.model.logits_of_views(&images, TestViews::Flip)?,
                Some(Tta::Crops) => {
                    let size = predictor.transform.size;
                    let larger = Transform { size: size + size.div_ceil(8), ..predictor.transform.clone() };
                    // The same files can be read, since they were a moment ago; if not, that is an error.
                    let (views, _) =
                        Views::build(views.samples().to_vec(), larger, Cache::Ram, &quiet, stop)?;
                    let images = to_tensor(views.plain(&readable)?)?;
                    predictor.model.logits_of_views(&images, TestViews::Crops { size })?
                }
            }
            .to_vec2::<f32>()?;
            if self.embeddings.is_some() {
                embeddings = predictor.model.embeddings(&images)?.to_vec2::<f32>()?;
            }
        }
        let is_readable = |sample: &Sample| skipped.iter().all(|skipped| skipped.path != sample.path);
        if let Some(folder) = wanted.cam {
            let numbered = batch.iter().zip(first + 1..).filter(|(sample, _)| is_readable(sample));
            cam::draw(predictor, &views, numbered.map(|(_, number)| number), &logits, folder)?;
        }
        put_rows(&mut self.logits, batch.iter().map(is_readable), logits, predictor.classes());
        if let Some(all) = &mut self.embeddings {
            put_rows(all, batch.iter().map(is_readable), embeddings, self.features);
        }
        self.skipped.extend(skipped);
        Ok(())
    }
}

/// Adds a row a sample: the next of `rows` if it is readable, else NaN.
fn put_rows(all: &mut Vec<f32>, readable: impl Iterator<Item = bool>, rows: Vec<Vec<f32>>, width: usize) {
    let mut rows = rows.into_iter();
    for readable in readable {
        match if readable { rows.next() } else { None } {
            Some(row) => all.extend(row),
            None => all.extend(std::iter::repeat_n(f32::NAN, width)),
        }
    }
}

/// The images that paths mean: files themselves, folders all images below them by name, `-` what stdin lists, a path a line. The
/// order is the paths'.
pub(crate) fn named(paths: &[PathBuf]) -> Result<Vec<Sample>, Failure> {
    let mut files = Vec::new();
    let mut listed = Vec::new();
    for path in paths {
        match path.as_os_str() == "-" {
            true => listed.extend(listed_on_stdin()?),
            false => listed.push(path.clone()),
        }
    }
    if listed.is_empty() {
        return Err(Failure::Other("stdin lists no paths".to_owned()));
    }
    for path in &listed {
        if path.is_dir() {
            let before = files.len();
            below(path, &mut files)?;
            if files.len() == before {
                return Err(Failure::Other(format!(
                    "{}: no images in it ({})",
                    path.display(),
                    ENDINGS.join(", ")
                )));
            }
        } else {
            files.push(path.clone());
        }
    }
    let sample = |file: PathBuf| Sample {
        path: file.to_string_lossy().into_owned(),
        source: Pixels::File(file),
        label: 0,
        truth: None,
    };
    Ok(files.into_iter().map(sample).collect())
}

fn listed_on_stdin() -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: io::Error| Failure::Other(format!("can't read the list of paths on stdin: {error}"));
    let lines = io::stdin().lines().collect::<io::Result<Vec<String>>>().map_err(failed)?;
    Ok(lines.into_iter().filter(|line| !line.is_empty()).map(PathBuf::from).collect())
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |e: io::Error| Failure::Other(format!("can't read {}: {e}", folder.display()));
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let mut paths =
        entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>().map_err(unreadable)?;
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let ending =
            path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        if hidden {
            continue;
        }
        if path.is_dir() {
            below(&path, files)?;
        } else if ENDINGS.contains(&ending.as_str()) {
            files.push(path);
        }
    }
    Ok(())
}

/// Softmax of a row of logits; NaN stays NaN.
pub(crate) fn softmax(logits: &[f32]) -> Vec<f32> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exps: Vec<f32> = logits.iter().map(|logit| (logit - top).exp()).collect();
    let sum: f32 = exps.iter().sum();
    exps.into_iter().map(|e| e / sum).collect()
}
