//! `effmix predict`: classes of images.
//!
//! Rows are written as they come, so that nothing grows with the number of images.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use effmix::files::{AtomicFile, NpyFile, is_table_of};
use effmix::{
    FeatureFile, InferenceOptions, Model, NamedImages, OutputBatch, SkippedFile, make_empty_folder,
    ranked_classes,
};
use image_folder::{Left, Sample};
use serde::Serialize;

use crate::args::{Predict, Tta};
use crate::failure::Failure;
use crate::inputs::named;
use crate::output::{are_apart, may_replace, may_write, on_stdout, tell};
use crate::signals::Signals;
use crate::terminal::Counter;

/// What a NumPy file begins with.
const NPY: &[u8] = b"\x93NUMPY";

/// What our CSVs of predictions begin with.
const HEADER: [&str; 3] = ["path", "label", "p"];

pub(super) fn run(args: &Predict) -> Result<(), Failure> {
    if args.no_resize && args.tta == Some(Tta::Crops) {
        let problem =
            "--tta crops: crops are cut from resized images; leave out --no-resize, or take --tta flip";
        return Err(Failure::Usage(problem.to_owned()));
    }
    let (out, logits, embeddings) = (args.out.as_deref(), args.logits.as_deref(), args.embeddings.as_deref());
    are_apart(&[
        ("--out", out),
        ("--logits", logits),
        ("--embeddings", embeddings),
        ("--cam", args.cam.as_deref()),
    ])?;
    let csv_start = HEADER.join(",") + "\n";
    out.map_or(Ok(()), |path| may_write(path, args.force, csv_start.as_bytes()))?;
    for path in [logits, embeddings].into_iter().flatten() {
        may_write(path, args.force, NPY)?;
    }
    let model = Model::open_with(&args.model.model, &args.model.options()?, &tell)?;
    if args.cam.is_some() && !model.has_activation_maps() {
        let problem = "--cam: only a model of one network has class activation maps; this one's classifiers see no places of an image";
        return Err(Failure::Other(problem.to_owned()));
    }
    // Only now are the numbers of columns known.
    for (path, columns) in [(logits, model.classes().len()), (embeddings, model.embedding_len())] {
        path.map_or(Ok(()), |path| may_replace(path, args.force, || is_table_of(path, columns)))?;
    }
    let input = match &args.features {
        Some(file) => Input::Features(FeatureFile::open(file)?),
        None => {
            let NamedImages { samples, left, .. } = named(&args.paths, args.model.max_pixels)?;
            Input::Images(Arc::from(samples), left)
        }
    };
    let signals = Signals::listen()?;
    let mut sinks = Sinks::open(args, &model, input.len())?;
    args.cam.as_deref().map_or(Ok(()), make_empty_folder)?;
    let rows_are_seen = args.out.is_none() && io::stdout().is_terminal();
    let counter = match rows_are_seen {
        true => Counter::without_bar(&signals),
        false => Counter::new(input.len(), &signals),
    };
    let mut take = |batch: OutputBatch<'_>| -> Result<(), Failure> {
        for skipped in &batch.skipped {
            counter.line(&format!("warning: {}: {}", skipped.path, skipped.reason));
        }
        args.cam.as_deref().map_or(Ok(()), |folder| model.draw_activation_maps(&batch, folder))?;
        sinks.add(model.classes(), batch)
    };
    let predicted = match &input {
        Input::Images(samples, _) => {
            let views = args.tta.map(Into::into);
            let options =
                InferenceOptions { views, no_resize: args.no_resize, keep_images: args.cam.is_some() };
            model.infer(samples, options, &counter, &mut take)
        }
        Input::Features(file) => model.infer_features(file, &counter, &mut take),
    };
    drop(counter);
    predicted.map_err(|failure| signals.failure_of(failure))?;
    let (unreadable, not_numbers, images) = (sinks.skipped.len(), sinks.not_numbers, input.len());
    sinks.finish(input.left())?;
    if not_numbers > 0 {
        tell(&format!("warning: of {not_numbers} of {images} images the network's output is not a number"));
    }
    if unreadable == images {
        return Err(Failure::Other("none of the images can be read".to_owned()));
    }
    if unreadable > 0 {
        return Err(Failure::Other(format!(
            "{unreadable} of {images} images can't be read; the others are done"
        )));
    }
    if not_numbers == images {
        let problem =
            "the network's output is not a number for any of the images; its weights may be damaged";
        return Err(Failure::Other(problem.to_owned()));
    }
    Ok(())
}

/// What is classified.
enum Input {
    /// Images, and what was left in their folders.
    Images(Arc<[Sample]>, Vec<Left>),
    /// Features of one's own.
    Features(FeatureFile),
}

impl Input {
    fn len(&self) -> usize {
        match self {
            Self::Images(samples, _) => samples.len(),
            Self::Features(file) => file.len(),
        }
    }

    fn left(&self) -> &[Left] {
        match self {
            Self::Images(_, left) => left,
            Self::Features(_) => &[],
        }
    }
}

/// A class and its probability.
#[derive(Debug, Serialize)]
struct Guess<'a> {
    label: &'a str,
    p: f32,
}

#[derive(Serialize)]
struct Prediction<'a> {
    path: &'a str,
    /// The likeliest class; null where the image can't be read or the network's output is not a number.
    label: Option<&'a str>,
    p: Option<f32>,
    /// The likeliest classes, as many as were asked for.
    top: Vec<Guess<'a>>,
}

/// Where rows go.
struct Sinks {
    top: usize,
    csv: Option<Csv>,
    json: Option<Json>,
    logits: Option<NpyFile>,
    embeddings: Option<NpyFile>,
    skipped: Vec<SkippedFile>,
    /// Images that can be read and have no class.
    not_numbers: usize,
}

impl Sinks {
    fn open(args: &Predict, model: &Model, images: usize) -> Result<Self, Failure> {
        let table = |path: &Option<PathBuf>, width| -> Result<Option<NpyFile>, Failure> {
            Ok(path.as_deref().map(|path| NpyFile::create(path, &[images, width])).transpose()?)
        };
        let csv = match &args.out {
            Some(path) => Some(Out::File(AtomicFile::create(path)?)),
            None => (!args.json).then(|| Out::Stdout(io::stdout())),
        };
        Ok(Self {
            top: usize::from(args.top),
            csv: csv.map(|out| Csv::open(out, args.out.clone())).transpose()?,
            json: args.json.then(|| Json::open(model.classes())).transpose()?,
            logits: table(&args.logits, model.classes().len())?,
            embeddings: table(&args.embeddings, model.embedding_len())?,
            skipped: Vec::new(),
            not_numbers: 0,
        })
    }

    fn add(&mut self, names: &[String], batch: OutputBatch<'_>) -> Result<(), Failure> {
        if let Some(table) = &mut self.logits {
            table.add(&batch.logits)?;
        }
        if let Some(table) = &mut self.embeddings {
            table.add(&batch.embeddings)?;
        }
        for (sample, logits) in batch.samples.iter().zip(batch.logits.chunks(names.len())) {
            let prediction = prediction(&sample.path, names, logits, self.top);
            self.not_numbers += usize::from(prediction.top.is_empty());
            self.csv.as_mut().map_or(Ok(()), |csv| csv.add(&prediction))?;
            self.json.as_mut().map_or(Ok(()), |json| json.add(&prediction))?;
        }
        self.csv.as_mut().map_or(Ok(()), Csv::flush)?;
        self.not_numbers -= batch.skipped.len();
        self.skipped.extend(batch.skipped.into_iter().map(SkippedFile::from));
        Ok(())
    }

    fn finish(self, left: &[Left]) -> Result<(), Failure> {
        self.logits.map_or(Ok(()), NpyFile::commit)?;
        self.embeddings.map_or(Ok(()), NpyFile::commit)?;
        self.csv.map_or(Ok(()), Csv::finish)?;
        self.json.map_or(Ok(()), |json| json.finish(&self.skipped, left))
    }
}

fn prediction<'a>(path: &'a str, names: &'a [String], logits: &[f32], top: usize) -> Prediction<'a> {
    let p = noisy_labels::softmax(logits);
    let ranked = ranked_classes(&p).into_iter().take(top);
    let top: Vec<Guess<'_>> = ranked.map(|class| Guess { label: &names[class], p: p[class] }).collect();
    let first = top.first();
    Prediction { path, label: first.map(|guess| guess.label), p: first.map(|guess| guess.p), top }
}

/// What a CSV is written to.
enum Out {
    Stdout(io::Stdout),
    File(AtomicFile),
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File(out) => out.flush(),
        }
    }
}

/// A row a guess, in the order of the images; one with NaN for an image that can't be read.
struct Csv {
    writer: csv::Writer<Out>,
    path: Option<PathBuf>,
}

impl Csv {
    fn open(out: Out, path: Option<PathBuf>) -> Result<Self, Failure> {
        let mut csv = Self { writer: csv::Writer::from_writer(out), path };
        csv.row(HEADER)?;
        Ok(csv)
    }

    fn add(&mut self, prediction: &Prediction<'_>) -> Result<(), Failure> {
        let Prediction { path, top, .. } = prediction;
        if top.is_empty() {
            self.row([path, "", "NaN"])?;
        }
        top.iter().try_for_each(|guess| self.row([path, guess.label, &guess.p.to_string()]))
    }

    fn row(&mut self, cells: [&str; 3]) -> Result<(), Failure> {
        let cells = match self.path {
            Some(_) => cells.map(Cow::Borrowed),
            None => cells.map(on_stdout),
        };
        self.writer
            .write_record(cells.iter().map(|cell| cell.as_bytes()))
            .map_err(|error| failed(self.path.as_deref(), error.into()))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.writer.flush().map_err(|error| failed(self.path.as_deref(), error))
    }

    fn finish(self) -> Result<(), Failure> {
        let out = self.writer.into_inner();
        match out.map_err(|error| failed(self.path.as_deref(), error.into_error()))? {
            Out::Stdout(_) => Ok(()),
            Out::File(file) => Ok(file.commit()?),
        }
    }
}

fn failed(path: Option<&Path>, error: io::Error) -> Failure {
    match path {
        Some(path) => effmix::Error::io("can't write", path)(error).into(),
        None => Failure::stdout(error),
    }
}

/// One JSON object on stdout, whose list of predictions is written one by one: `classes`, `predictions`, `skipped_files`, `left_files`.
struct Json {
    out: io::Stdout,
    is_first: bool,
}

impl Json {
    fn open(classes: &[String]) -> Result<Self, Failure> {
        let mut json = Self { out: io::stdout(), is_first: true };
        json.put("{\n\"classes\": ", &classes, ",\n\"predictions\": [")?;
        Ok(json)
    }

    fn add(&mut self, prediction: &Prediction<'_>) -> Result<(), Failure> {
        let between = if std::mem::take(&mut self.is_first) { "\n  " } else { ",\n  " };
        self.put(between, prediction, "")
    }

    fn finish(mut self, skipped: &[SkippedFile], left: &[Left]) -> Result<(), Failure> {
        let left = left.iter();
        let left = left.map(|left| SkippedFile { path: left.path.clone(), reason: left.kind.in_words() });
        self.put("\n],\n\"skipped_files\": ", &skipped, ",\n\"left_files\": ")?;
        self.put("", &left.collect::<Vec<_>>(), "\n}\n")
    }

    fn put(&mut self, before: &str, value: &impl Serialize, after: &str) -> Result<(), Failure> {
        let mut text = before.as_bytes().to_vec();
        serde_json::to_writer(&mut text, value).map_err(|e| Failure::Other(format!("JSON: {e}")))?;
        text.extend(after.as_bytes());
        self.out.write_all(&text).and_then(|()| self.out.flush()).map_err(Failure::stdout)
    }
}
