//! `effmix evaluate`: a model against labels.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::path::Path;
use std::sync::Arc;

use effmix::{EVALUATION_COLUMNS, Evaluation, Model, RunFolder, left_in_words, limits, trained_images};
use image_folder::{Classes, LabelsCsv, OpenOptions, Sample, TestSplit, copies, has_label_columns};

use crate::args::Evaluate;
use crate::failure::Failure;
use crate::output::{may_write, print, print_json, tell};
use crate::signals::Signals;
use crate::terminal::Counter;
use effmix::shown;

/// The number of classes that a message lists.
const NAMED: usize = 20;
/// Classes whose whole confusion is printed; of more, the most frequent mistakes.
const WHOLE_MATRIX: usize = 100;

/// Mistakes that are printed.
const MISTAKES: usize = 20;

pub(super) fn run(args: &Evaluate) -> Result<(), Failure> {
    let csv_start = EVALUATION_COLUMNS.join(",") + ",";
    args.out.as_deref().map_or(Ok(()), |path| may_write(path, args.force, csv_start.as_bytes()))?;
    let model = Model::open_with(&args.model.model, &args.model.options()?, &tell)?;
    let label_column = args.labels.label_column.clone();
    if label_column.is_some() && args.labels.labels.is_none() && !has_label_columns(&args.data) {
        let problem = "--label-column names a column of a CSV, of Parquet or of an imagefolder's metadata; give a CSV with --labels";
        return Err(Failure::Usage(problem.to_owned()));
    }
    let labels = args.labels.labels.as_ref().map(|file| {
        let of_file = LabelsCsv::new(file);
        LabelsCsv {
            path_column: args.labels.path_column.clone(),
            label_column: label_column.clone().unwrap_or(of_file.label_column),
            split_column: args.labels.split_column.clone(),
            ..of_file
        }
    });
    let options = OpenOptions {
        labels,
        label_column,
        test: TestSplit::Folders,
        classes: model.class_names().map_or(Classes::Found, |names| Classes::Known(names.to_vec())),
        limits: limits(args.model.max_pixels),
        is_output: Some(RunFolder::is_at),
        ..OpenOptions::default()
    };
    let set = image_folder::open(&args.data, &options)?;
    model.positions_of(&set.classes)?;
    set.warnings.iter().for_each(|warning| tell(&format!("warning: {warning}")));
    left_in_words(&set.left, None).iter().for_each(|left| tell(left));
    let (samples, what) = if set.test.is_empty() { (set.train, "") } else { (set.test, " held-out") };
    if samples.is_empty() {
        return Err(Failure::Other(no_known_class(&args.data, model.classes())));
    }
    let samples: Arc<[Sample]> = Arc::from(samples);
    tell(&format!("measuring on {}{what} images", samples.len()));
    let trained_on = match trained_images(&args.model.model) {
        Some(Ok(trained)) => Some(copies(&samples, &trained).len()),
        Some(Err(reason)) => {
            tell(&format!(
                "warning: it can't be told whether the model was trained on some of these images, which would make the accuracy too high: \
                 {reason}"
            ));
            None
        }
        None => None,
    };
    if let Some(count) = trained_on.filter(|count| *count > 0) {
        tell(&format!(
            "warning: the model was trained on {count} of these {} images: on them it shows what it has learnt by heart, and the \
             accuracy is too high",
            samples.len()
        ));
    }
    let signals = Signals::listen()?;
    let counter = Counter::new(samples.len(), &signals);
    let measured = model.evaluate(&samples, &set.classes, set.skipped, &counter);
    drop(counter);
    let measured = measured.map_err(|failure| signals.failure_of(failure))?;
    let evaluation = Evaluation { trained_on, ..measured };
    args.out.as_deref().map_or(Ok(()), |path| evaluation.write_csv(path))?;
    if args.json { print_json(&evaluation) } else { print(&in_words(&evaluation)) }
}

/// Why there is nothing to measure on.
fn no_known_class(data: &Path, known: &[String]) -> String {
    let more = if known.len() > NAMED { ", ..." } else { "" };
    let known = known[..known.len().min(NAMED)].join(", ");
    format!("{}: the model knows none of its classes; it knows {known}{more}", data.display())
}

fn in_words(evaluation: &Evaluation) -> String {
    let percent =
        |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{:.1} %", 100.0 * value));
    let mut text = format!("accuracy  {} of {} images\n", percent(evaluation.accuracy), evaluation.images);
    if evaluation.top5_accuracy.is_some() {
        text += &format!("top 5     {}\n", percent(evaluation.top5_accuracy));
    }
    text += &format!("ECE       {}\n", percent(evaluation.ece));
    if !evaluation.skipped_files.is_empty() {
        text += &format!("skipped   {} files\n", evaluation.skipped_files.len());
    }
    let names: Vec<Cow<'_, str>> = evaluation.classes.iter().map(|name| shown(name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default().max(5);
    text += &format!("\n{:width$}  images  precision   recall       F1\n", "class");
    for (row, name) in evaluation.per_class.iter().zip(&names) {
        let (precision, recall, f1) = (percent(row.precision), percent(row.recall), percent(row.f1));
        text += &format!("{:width$}  {:>6}  {precision:>9}  {recall:>7}  {f1:>7}\n", name, row.images);
    }
    text += &match evaluation.classes.len() <= WHOLE_MATRIX {
        true => matrix(evaluation, &names, width),
        false => most_frequent(evaluation, &names, width),
    };
    text
}

fn matrix(evaluation: &Evaluation, names: &[Cow<'_, str>], width: usize) -> String {
    let mut text = "\nconfusion (rows: label, columns: prediction, in the order above)\n".to_owned();
    let digits = evaluation.confusion.iter().map(|(.., count)| count).max();
    let digits = digits.map_or(1, |largest| largest.to_string().len());
    for (row, name) in evaluation.confusion.full_rows().zip(names) {
        let counts: Vec<String> = row.iter().map(|count| format!("{count:>digits$}")).collect();
        text += &format!("{name:width$}  {}\n", counts.join(" "));
    }
    text
}

fn most_frequent(evaluation: &Evaluation, names: &[Cow<'_, str>], width: usize) -> String {
    let mut mistakes: Vec<(usize, usize, usize)> =
        evaluation.confusion.iter().filter(|(label, predicted, _)| label != predicted).collect();
    // Stable: of equals, the first class first.
    mistakes.sort_by_key(|(.., count)| Reverse(*count));
    let mut text =
        "\nthe most frequent mistakes: images of a label predicted as another class (--out F.csv has all)\n"
            .to_owned();
    for (label, predicted, count) in mistakes.into_iter().take(MISTAKES) {
        let (label, predicted) = (&names[label], &names[predicted]);
        text += &format!("{label:width$}  {count:>6}  {predicted}\n");
    }
    text
}
