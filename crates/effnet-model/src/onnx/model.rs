//! A model's networks as one graph, and the file that holds it.

use std::path::Path;

use prost::Message;

use super::graph::GraphBuilder;
use super::proto;
use crate::card::ModelCard;
use crate::error::{Error, Result};
use crate::network::EfficientNet;
use crate::preprocessing::{Fit, Interpolation};
use crate::saved::SavedHeads;
use crate::side_by_side::{Rescale, scale_of};
use crate::weights::write_atomically;

/// ONNX's set of operators: what ONNX Runtime has run since 1.12 (2022).
pub const OPSET: i64 = 17;

/// Version of the file format that belongs to it.
const IR_VERSION: i64 = 8;

/// The name of the graph's input, f32 [N, C, H, W].
pub(super) const INPUT: &str = "images";
/// The name of the input of a model on features of one's own, f32 [N, F].
pub(super) const FEATURES: &str = "features";
/// The name of the graph's output, f32 [N, classes].
pub(super) const OUTPUT: &str = "logits";

/// Writes the mean of the networks' logits as an ONNX model for images of the card's size, in one step. Its metadata hold what a
/// user of the model needs: `classes` (JSON), `mean`, `std`, `size`, `fit` (crop, squeeze or pad),
/// `resized` (what the short side is resized to before the middle is cropped), `interpolation`, `preprocessing` in words, `arch` (JSON).
///
/// # Errors
/// [`Error::Io`] if the folder can't be written to.
pub fn save_onnx(path: &Path, card: &ModelCard, networks: &[EfficientNet]) -> Result<()> {
    write_atomically(path, &model(card, networks)?.encode_to_vec())
}

/// Writes the mean of the heads' logits as an ONNX model, as [`save_onnx`] does: of images, through all bodies, or of features of one's own
/// (f32 [N, F]), of which the metadata hold the classes.
///
/// # Errors
/// As [`save_onnx`].
pub fn save_heads_onnx(path: &Path, model: &SavedHeads) -> Result<()> {
    write_atomically(path, &model_of_heads(model)?.encode_to_vec())
}

pub(super) fn model(card: &ModelCard, networks: &[EfficientNet]) -> Result<proto::Model> {
    let mut graph = GraphBuilder::default();
    let mut logits = Vec::new();
    for (number, network) in networks.iter().enumerate() {
        let prefix = if networks.len() > 1 { format!("net{}.", number + 1) } else { String::new() };
        logits.push(network.add_to(&mut graph, &prefix, INPUT, card.arch.size)?);
    }
    let size = card.arch.size;
    finished(card, graph, &logits, (INPUT, &[card.arch.channels, size, size]), metadata(card)?)
}

pub(super) fn model_of_heads(model: &SavedHeads) -> Result<proto::Model> {
    let SavedHeads { card, bodies, heads } = model;
    let (mut graph, size) = (GraphBuilder::default(), card.arch.size);
    let mut parts = Vec::new();
    for ((body, of), number) in bodies.iter().zip(&card.bodies).zip(1..) {
        let prefix = format!("body{number}.");
        let images = match Rescale::between(&card.bodies[0].arch, &of.arch)? {
            None => INPUT.to_owned(),
            Some(rescale) => graph.rescale(&format!("{prefix}images"), INPUT, &rescale),
        };
        let feature = body.add_features_to(&mut graph, &prefix, &images, size)?;
        let length = of.arch.plan()?.head;
        parts.push(match bodies.len() {
            1 => feature,
            _ => graph.with_norm(&format!("{prefix}normalised"), &feature, scale_of(length)),
        });
    }
    let features = match parts.len() {
        0 => FEATURES.to_owned(),
        1 => parts.swap_remove(0),
        _ => graph.side_by_side("features", parts),
    };
    let mut logits = Vec::new();
    for (number, head) in heads.iter().enumerate() {
        logits.push(head.add_to(&mut graph, &format!("head{}.classifier", number + 1), &features)?);
    }
    match card.features {
        Some(length) => finished(card, graph, &logits, (FEATURES, &[length]), vec![classes(card)?]),
        None => finished(card, graph, &logits, (INPUT, &[card.arch.channels, size, size]), metadata(card)?),
    }
}

/// The model whose output is the mean of `logits`.
fn finished(
    card: &ModelCard,
    mut graph: GraphBuilder,
    logits: &[String],
    input: (&str, &[usize]),
    metadata_props: Vec<proto::Entry>,
) -> Result<proto::Model> {
    let mut sum: Option<String> = None;
    for (number, logits) in logits.iter().enumerate() {
        sum = Some(match sum {
            None => logits.clone(),
            Some(sum) => graph.add(&format!("sum{}", number + 1), &sum, logits),
        });
    }
    let Some(sum) = sum else {
        let reason = "a model needs a network".to_owned();
        return Err(Error::InvalidArch { name: card.arch.name.clone(), reason });
    };
    let mean = match logits.len() {
        1 => sum,
        count => graph.scale("mean", &sum, 1.0 / count as f32),
    };
    Ok(proto::Model {
        ir_version: IR_VERSION,
        producer_name: "effmix".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(graph.finish(input, (OUTPUT, card.classes.len()), &mean)),
        opset_import: vec![proto::OperatorSet { domain: String::new(), version: OPSET }],
        metadata_props,
    })
}

fn classes(card: &ModelCard) -> Result<proto::Entry> {
    let value = serde_json::to_string(&card.classes)
        .map_err(|e| Error::InvalidArch { name: card.arch.name.clone(), reason: e.to_string() })?;
    Ok(proto::Entry { key: "classes".to_owned(), value })
}

fn metadata(card: &ModelCard) -> Result<Vec<proto::Entry>> {
    let json = |value: serde_json::Result<String>| {
        value.map_err(|e| Error::InvalidArch { name: card.arch.name.clone(), reason: e.to_string() })
    };
    let preprocessing = card.arch.preprocessing;
    let interpolation = match preprocessing.interpolation {
        Interpolation::Bilinear => "bilinear",
        Interpolation::Bicubic => "bicubic",
    };
    let size = card.arch.size;
    let resized = preprocessing.resized(size);
    let (fit, how) = match preprocessing.fit {
        Fit::Crop => (
            "crop",
            format!(
                "the short side resized to {resized} ({interpolation}, antialiased), the middle {size} x {size} cut out"
            ),
        ),
        Fit::Squeeze => ("squeeze", format!("resized to {size} x {size} ({interpolation}, antialiased)")),
        Fit::Pad => (
            "pad",
            format!(
                "the long side resized to {size} ({interpolation}, antialiased), a border of the mean to {size} x {size}"
            ),
        ),
    };
    let (mean, std) = preprocessing.of_channels(card.arch.channels);
    let colours = match card.arch.channels {
        1 => "grey (0.299 R + 0.587 G + 0.114 B)",
        4 => "RGBA",
        _ => "RGB",
    };
    let words = format!("{colours}; {how}; (value / 255 - mean) / std; NCHW");
    let entries = [
        ("mean", json(serde_json::to_string(&mean))?),
        ("std", json(serde_json::to_string(&std))?),
        ("size", size.to_string()),
        ("fit", fit.to_owned()),
        ("resized", resized.to_string()),
        ("interpolation", interpolation.to_owned()),
        ("preprocessing", words),
        ("arch", json(serde_json::to_string(&card.arch))?),
    ];
    let entries = entries.into_iter().map(|(key, value)| proto::Entry { key: key.to_owned(), value });
    Ok(std::iter::once(classes(card)?).chain(entries).collect())
}
