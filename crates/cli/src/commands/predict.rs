//! `effmix predict`: classes of images.

use dividemix::run::{write_atomic, write_npy};
use image_folder::Sample;
use serde::Serialize;

use crate::args::Predict;
use crate::cam;
use crate::exit::{Failure, Signals};
use crate::images::{Outputs, Wanted, named, softmax};
use crate::model::Predictor;
use crate::output::{NPY, may_write, print, print_json, tell};

/// What our CSVs of predictions begin with.
const HEADER: [&str; 3] = ["path", "label", "p"];

/// A class and its probability.
#[derive(Debug, Serialize)]
struct Guess<'a> {
    label: &'a str,
    p: f32,
}

#[derive(Serialize)]
struct Prediction<'a> {
    path: &'a str,
    /// The likeliest class; null where the image can't be read.
    label: Option<&'a str>,
    p: Option<f32>,
    /// The likeliest classes, as many as were asked for.
    top: Vec<Guess<'a>>,
}

#[derive(Serialize)]
struct Skipped<'a> {
    path: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Predictions<'a> {
    classes: &'a [String],
    predictions: Vec<Prediction<'a>>,
    skipped_files: Vec<Skipped<'a>>,
}

pub(super) fn run(args: &Predict) -> Result<(), Failure> {
    let csv_start = HEADER.join(",") + "\n";
    let outputs = [(&args.out, csv_start.as_bytes()), (&args.logits, NPY), (&args.embeddings, NPY)];
    for (path, ours) in outputs {
        path.as_deref().map_or(Ok(()), |path| may_write(path, args.force, ours))?;
    }
    let predictor = Predictor::open(&args.model)?;
    let samples = named(&args.paths)?;
    args.cam.as_deref().map_or(Ok(()), cam::make_folder)?;
    let signals = Signals::listen()?;
    let wanted = Wanted { tta: args.tta, embeddings: args.embeddings.is_some(), cam: args.cam.as_deref() };
    let outputs = Outputs::of(&predictor, &samples, wanted, &signals)?;
    for skipped in &outputs.skipped {
        tell(&format!("warning: {}: {}", skipped.path, skipped.reason));
    }
    let (n, classes) = (samples.len(), predictor.classes());
    if let Some(path) = &args.logits {
        write_npy(path, &outputs.logits, &[n, classes])?;
    }
    if let (Some(path), Some(embeddings)) = (&args.embeddings, &outputs.embeddings) {
        write_npy(path, embeddings, &[n, outputs.features])?;
    }
    let predictions = predictions(&predictor, &samples, &outputs, usize::from(args.top));
    if let Some(path) = &args.out {
        let csv = as_csv(&predictions)?;
        write_atomic(path, |out| out.write_all(&csv))?;
    }
    if args.json {
        let skipped = outputs.skipped.iter().map(|s| Skipped { path: &s.path, reason: &s.reason });
        let skipped_files = skipped.collect();
        print_json(&Predictions { classes: &predictor.model.card.classes, predictions, skipped_files })?;
    } else if args.out.is_none() {
        print(&String::from_utf8_lossy(&as_csv(&predictions)?))?;
    }
    if outputs.skipped.len() == n {
        return Err(Failure::Other("none of the images can be read".to_owned()));
    }
    Ok(())
}

fn predictions<'a>(
    predictor: &'a Predictor,
    samples: &'a [Sample],
    outputs: &Outputs,
    top: usize,
) -> Vec<Prediction<'a>> {
    let names = &predictor.model.card.classes;
    let predict = |(sample, logits): (&'a Sample, &[f32])| {
        let p = softmax(logits);
        let mut order: Vec<usize> = (0..p.len()).filter(|class| !p[*class].is_nan()).collect();
        order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
        let top: Vec<Guess<'_>> =
            order.iter().take(top).map(|&class| Guess { label: &names[class], p: p[class] }).collect();
        let first = top.first();
        Prediction {
            path: &sample.path,
            label: first.map(|guess| guess.label),
            p: first.map(|guess| guess.p),
            top,
        }
    };
    samples.iter().zip(outputs.logits.chunks(names.len())).map(predict).collect()
}

/// A row a guess, in the order of the images; one with NaN for an image that can't be read.
fn as_csv(predictions: &[Prediction<'_>]) -> Result<Vec<u8>, Failure> {
    let failed = |e: csv::Error| Failure::Other(format!("CSV: {e}"));
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(HEADER).map_err(failed)?;
    for Prediction { path, top, .. } in predictions {
        if top.is_empty() {
            csv.write_record([path, "", "NaN"]).map_err(failed)?;
        }
        for guess in top {
            csv.write_record([path, guess.label, &guess.p.to_string()]).map_err(failed)?;
        }
    }
    csv.into_inner().map_err(|e| Failure::Other(format!("CSV: {e}")))
}
