//! `effmix evaluate`: a model against labels.

use std::sync::Arc;

use dividemix::run::{SkippedFile, trained_images, write_atomic};
use image_folder::{LabelsCsv, OpenOptions, Sample, TestSplit, copies};
use noisy_labels::metrics::{accuracy, confusion, expected_calibration_error, top_k_accuracy};
use noisy_labels::{ClassTable, argmax, softmax};
use serde::Serialize;

use crate::args::Evaluate;
use crate::exit::{Failure, Signals};
use crate::model::Predictor;
use crate::output::{may_write, print, print_json, tell};
use crate::outputs::{Looking, for_each_batch};

/// What our CSVs of evaluations begin with.
const CSV_START: &str = "class,images,precision,recall,f1,";

/// As is usual where there are many classes.
const TOP: usize = 5;

/// One class, as a user wants to see it.
#[derive(Debug, Serialize)]
struct OfClass {
    class: String,
    images: usize,
    /// Share of the images given this class that are of it.
    precision: Option<f64>,
    /// Share of this class's images that are given it.
    recall: Option<f64>,
    f1: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Evaluation {
    accuracy: Option<f64>,
    /// Share of the images whose label is among the five likeliest; null for five classes or fewer.
    top5_accuracy: Option<f64>,
    /// Expected calibration error.
    ece: Option<f64>,
    images: usize,
    classes: Vec<String>,
    per_class: Vec<OfClass>,
    /// Images by label (rows) and prediction (columns), in the order of `classes`.
    confusion: Vec<Vec<usize>>,
    /// Images that the model was trained on, byte for byte; null where that isn't known.
    trained_on: Option<usize>,
    skipped_files: Vec<SkippedFile>,
}

pub(super) fn run(args: &Evaluate) -> Result<(), Failure> {
    args.out.as_deref().map_or(Ok(()), |path| may_write(path, args.force, CSV_START.as_bytes()))?;
    let predictor = Predictor::open(&args.model)?;
    let labels = args.labels.labels.as_ref().map(|file| LabelsCsv {
        path_column: args.labels.path_column.clone(),
        label_column: args.labels.label_column.clone(),
        ..LabelsCsv::new(file)
    });
    let options = OpenOptions { labels, test: TestSplit::Folders, ..OpenOptions::default() };
    let set = image_folder::open(&args.data, &options)?;
    let classes = predictor.places_of(&set.classes)?;
    let (samples, what) = if set.test.is_empty() { (set.train, "all") } else { (set.test, "the test") };
    let samples: Arc<[Sample]> = Arc::from(samples);
    tell(&format!("measuring on {what} {} images", samples.len()));
    let trained_on = trained_images(&args.model.model).map(|trained| copies(&samples, &trained).len());
    if let Some(count) = trained_on.filter(|count| *count > 0) {
        tell(&format!(
            "warning: the model was trained on {count} of these {} images: on them it shows what it has learnt by heart, and the \
             accuracy is too high",
            samples.len()
        ));
    }
    let signals = Signals::listen()?;
    let (mut logits, mut skipped) = (Vec::new(), set.skipped);
    for_each_batch(&predictor, &samples, Looking::default(), &signals, |rows| {
        logits.extend(rows.logits);
        skipped.extend(rows.skipped);
        Ok(())
    })?;
    let mut evaluation = evaluate(&predictor, &samples, &classes, &logits)?;
    evaluation.trained_on = trained_on;
    evaluation.skipped_files =
        skipped.into_iter().map(|s| SkippedFile { path: s.path, reason: s.reason }).collect();
    if let Some(path) = &args.out {
        let csv = as_csv(&evaluation)?;
        write_atomic(path, |out| out.write_all(&csv))?;
    }
    if args.json { print_json(&evaluation) } else { print(&in_words(&evaluation)) }
}

fn evaluate(
    predictor: &Predictor,
    samples: &[Sample],
    classes: &[usize],
    logits: &[f32],
) -> Result<Evaluation, Failure> {
    let count = predictor.classes();
    let (mut probabilities, mut truth, mut predicted) = (Vec::new(), Vec::new(), Vec::new());
    for (sample, logits) in samples.iter().zip(logits.chunks(count)) {
        let p = softmax(logits);
        if p.iter().any(|p| p.is_nan()) {
            continue;
        }
        truth.push(classes[sample.label]);
        predicted.push(argmax(&p));
        probabilities.extend(p);
    }
    let confusion = confusion(&truth, &predicted, count)?;
    let probabilities = ClassTable::new(probabilities, count)?;
    let names = predictor.model.card.classes.clone();
    let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
    let per_class = names.iter().enumerate().map(|(class, name)| {
        let images: usize = confusion[class].iter().sum();
        let given: usize = confusion.iter().map(|row| row[class]).sum();
        let right = confusion[class][class];
        OfClass {
            class: name.clone(),
            images,
            precision: share(right, given),
            recall: share(right, images),
            f1: share(2 * right, images + given),
        }
    });
    Ok(Evaluation {
        accuracy: accuracy(&predicted, &truth),
        top5_accuracy: match count > TOP {
            true => top_k_accuracy(&probabilities, &truth, TOP)?,
            false => None,
        },
        ece: expected_calibration_error(&probabilities, &truth)?,
        images: truth.len(),
        per_class: per_class.collect(),
        classes: names,
        confusion,
        trained_on: None,
        skipped_files: Vec::new(),
    })
}

/// A row a class: its numbers, and how many of its images were given each class.
fn as_csv(evaluation: &Evaluation) -> Result<Vec<u8>, Failure> {
    let failed = |e: csv::Error| Failure::Other(format!("CSV: {e}"));
    let mut csv = csv::Writer::from_writer(Vec::new());
    let given = evaluation.classes.iter().map(|class| format!("given_{class}"));
    csv.write_record(CSV_START.trim_end_matches(',').split(',').map(str::to_owned).chain(given))
        .map_err(failed)?;
    for (row, counts) in evaluation.per_class.iter().zip(&evaluation.confusion) {
        let share = |share: Option<f64>| share.map_or_else(String::new, |share| share.to_string());
        let numbers = [
            row.class.clone(),
            row.images.to_string(),
            share(row.precision),
            share(row.recall),
            share(row.f1),
        ];
        csv.write_record(numbers.into_iter().chain(counts.iter().map(usize::to_string))).map_err(failed)?;
    }
    csv.into_inner().map_err(|e| Failure::Other(format!("CSV: {e}")))
}

fn in_words(evaluation: &Evaluation) -> String {
    let percent =
        |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{:.1} %", 100.0 * value));
    let mut text = format!("accuracy  {} of {} images\n", percent(evaluation.accuracy), evaluation.images);
    if evaluation.top5_accuracy.is_some() {
        text += &format!("top {TOP}     {}\n", percent(evaluation.top5_accuracy));
    }
    text += &format!("ECE       {}\n", percent(evaluation.ece));
    if !evaluation.skipped_files.is_empty() {
        text += &format!("skipped   {} files\n", evaluation.skipped_files.len());
    }
    let width = evaluation.classes.iter().map(|name| name.chars().count()).max().unwrap_or_default().max(5);
    text += &format!("\n{:width$}  images  precision   recall       F1\n", "class");
    for row in &evaluation.per_class {
        let (precision, recall, f1) = (percent(row.precision), percent(row.recall), percent(row.f1));
        text += &format!("{:width$}  {:>6}  {precision:>9}  {recall:>7}  {f1:>7}\n", row.class, row.images);
    }
    text += "\nconfusion (rows: label, columns: prediction, in the order above)\n";
    let digits = evaluation.confusion.iter().flatten().max().map_or(1, |largest| largest.to_string().len());
    for (row, name) in evaluation.confusion.iter().zip(&evaluation.classes) {
        let counts: Vec<String> = row.iter().map(|count| format!("{count:>digits$}")).collect();
        text += &format!("{name:width$}  {}\n", counts.join(" "));
    }
    text
}
