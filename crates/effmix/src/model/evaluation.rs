//! A model measured against labels.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use image_folder::{Sample, Skipped};
use noisy_labels::metrics::{accuracy, calibration_error, confusion, is_among_top_k};
use noisy_labels::{ClassPairs, argmax, softmax};
use serde::{Serialize, Serializer};

use super::inference::InferenceOptions;
use super::open::Model;
use crate::Result;
use crate::files::write_atomic;
use crate::run::{Observer, SkippedFile, for_summary};

/// Number of likeliest classes that [`Evaluation::top5_accuracy`] looks at.
const TOP: usize = 5;

/// Why an image that can be read is left out.
const NOT_A_NUMBER: &str = "the network's output for it is not a number";

/// The first columns of [`Evaluation::write_csv`]'s file; a column `predicted_CLASS` a class follows.
pub const EVALUATION_COLUMNS: [&str; 5] = ["class", "images", "precision", "recall", "f1"];

/// The figures of one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassEvaluation {
    /// The class.
    pub class: String,
    /// Images whose label it is.
    pub images: usize,
    /// Share of the images predicted as this class whose label it is.
    pub precision: Option<f64>,
    /// Share of this class's images that are predicted as it.
    pub recall: Option<f64>,
    /// Harmonic mean of precision and recall.
    pub f1: Option<f64>,
}

/// A model's predictions against labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Share of the images whose label is predicted.
    pub accuracy: Option<f64>,
    /// Share of the images whose label is among the five likeliest classes; `None` for five classes or fewer.
    pub top5_accuracy: Option<f64>,
    /// Expected calibration error.
    pub ece: Option<f64>,
    /// Images that were measured on.
    pub images: usize,
    /// Names of the model's classes.
    pub classes: Vec<String>,
    /// A row a class.
    pub per_class: Vec<ClassEvaluation>,
    /// Images by label and prediction, in the order of `classes`. As JSON it is a list of rows, and null above 100 classes.
    #[serde(serialize_with = "few_rows")]
    pub confusion: ClassPairs<usize>,
    /// Images that the model was trained on, byte for byte; `None` where that isn't known.
    pub trained_on: Option<usize>,
    /// Files that were left out.
    pub skipped_files: Vec<SkippedFile>,
}

impl Model {
    /// Measures the model on `samples`, whose labels are of `classes`. `skipped` files are listed with those that can't be read
    /// or for which the network's output is not a number.
    ///
    /// # Errors
    /// A class that the model doesn't know; [`crate::Error::Stopped`].
    pub fn evaluate(
        &self,
        samples: &Arc<[Sample]>,
        classes: &[String],
        mut skipped: Vec<Skipped>,
        observer: &dyn Observer,
    ) -> Result<Evaluation> {
        let positions = self.positions_of(classes)?;
        // Of each image a few numbers are kept, and not the probabilities of all classes.
        let (mut truth, mut predicted, mut calibration) = (Vec::new(), Vec::new(), Vec::new());
        let mut among_top = 0usize;
        let count = self.classes().len();
        self.infer(samples, InferenceOptions::default(), observer, |batch| -> Result<()> {
            let unreadable: HashSet<&str> =
                batch.skipped.iter().map(|skipped| skipped.path.as_str()).collect();
            for (sample, logits) in batch.samples.iter().zip(batch.logits.chunks(count)) {
                if unreadable.contains(sample.path.as_str()) {
                    continue;
                }
                let p = softmax(logits);
                if p.iter().any(|p| p.is_nan()) {
                    skipped.push(Skipped { path: sample.path.clone(), reason: NOT_A_NUMBER.to_owned() });
                    continue;
                }
                let (label, prediction) = (positions[sample.label], argmax(&p));
                among_top += usize::from(is_among_top_k(&p, label, TOP));
                calibration.push((p[prediction], prediction == label));
                truth.push(label);
                predicted.push(prediction);
            }
            skipped.extend(batch.skipped);
            Ok(())
        })?;
        let confusion = confusion(&truth, &predicted, count)?;
        Ok(Evaluation {
            accuracy: accuracy(&predicted, &truth),
            top5_accuracy: (count > TOP && !truth.is_empty()).then(|| among_top as f64 / truth.len() as f64),
            ece: calibration_error(calibration),
            images: truth.len(),
            per_class: per_class(self.classes(), &confusion),
            classes: self.classes().to_vec(),
            confusion,
            trained_on: None,
            skipped_files: skipped.into_iter().map(SkippedFile::from).collect(),
        })
    }
}

fn per_class(classes: &[String], confusion: &ClassPairs<usize>) -> Vec<ClassEvaluation> {
    let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
    let mut predicted_as = vec![0; classes.len()];
    confusion.iter().for_each(|(_, predicted, count)| predicted_as[predicted] += count);
    let of_class = |(class, name): (usize, &String)| {
        let images: usize = confusion.row(class).iter().map(|(_, count)| count).sum();
        let (right, as_it) = (confusion.get(class, class), predicted_as[class]);
        ClassEvaluation {
            class: name.clone(),
            images,
            precision: share(right, as_it),
            recall: share(right, images),
            f1: share(2 * right, images + as_it),
        }
    };
    classes.iter().enumerate().map(of_class).collect()
}

fn few_rows<S: Serializer>(confusion: &ClassPairs<usize>, serializer: S) -> Result<S::Ok, S::Error> {
    for_summary(confusion).serialize(serializer)
}

impl Evaluation {
    /// Writes a row a class: its figures, and how many of its images were predicted as each class.
    ///
    /// # Errors
    /// The disk's.
    pub fn write_csv(&self, path: &Path) -> Result<()> {
        write_atomic(path, |out| {
            let mut csv = csv::Writer::from_writer(out);
            let predicted = self.classes.iter().map(|class| format!("predicted_{class}"));
            csv.write_record(EVALUATION_COLUMNS.map(str::to_owned).into_iter().chain(predicted))
                .map_err(std::io::Error::other)?;
            for (row, counts) in self.per_class.iter().zip(self.confusion.full_rows()) {
                let share = |share: Option<f64>| share.map_or_else(String::new, |share| share.to_string());
                let figures = [
                    row.class.clone(),
                    row.images.to_string(),
                    share(row.precision),
                    share(row.recall),
                    share(row.f1),
                ];
                csv.write_record(figures.into_iter().chain(counts.iter().map(usize::to_string)))
                    .map_err(std::io::Error::other)?;
            }
            csv.flush()
        })
    }
}
