//! One function a reader: whether it takes these bytes. What it takes must hold together.

use std::collections::BTreeSet;
use std::path::Path;

use effmix::Config;
use effmix::settings::{DatasetStats, Shape};
use effnet_model::candle::Device;
use effnet_model::{ModelCard, SavedModel, WeightsFile};
use image_folder::{LabelsCsv, OpenOptions, TestSplit, open};

use crate::{scratch, torch};

/// What deflate compresses gets at most so many times smaller.
const MOST_DEFLATED: usize = 1032;

/// A file of weights, whatever its format: safetensors, torch's zip, torch's old one, or an archive of one of these.
pub fn weights(data: &[u8]) -> bool {
    let path = scratch::file("weights/file", data);
    let Ok(file) = WeightsFile::open(&path) else { return false };
    let tensors: Vec<(String, usize)> =
        file.shapes().map(|(name, shape)| (name.to_owned(), shape.iter().product())).collect();
    // Of a number there are two bytes at least.
    let elements: usize = tensors.iter().map(|(_, elements)| elements).sum();
    let bytes = if file.entry().is_some() { MOST_DEFLATED * data.len() } else { data.len() };
    assert!(2 * elements <= bytes, "{elements} numbers in {} bytes", data.len());
    let mut is_whole = true;
    for (name, elements) in &tensors {
        match file.values(name) {
            Ok(values) => {
                assert_eq!(values.len(), *elements, "{name}");
                assert!(values.iter().all(|value| value.is_finite()), "{name}");
            }
            Err(_) => is_whole = false,
        }
    }
    let records = [file.metadata().is_ok(), file.arch().is_ok(), file.classes(10).is_ok()];
    is_whole && records.iter().all(|read| *read)
}

/// The pickle of a `.pth` file, inside both of torch's formats.
pub fn pickle(data: &[u8]) -> bool {
    let zipped = weights(&torch::zipped(data));
    weights(&torch::legacy(data)) && zipped
}

/// timm's `config.json`, beside weights.
pub fn timm_config(data: &[u8]) -> bool {
    const WEIGHTS: &[u8] = b"\x47\0\0\0\0\0\0\0\
        {\"conv_stem.weight\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}  \0\0";
    scratch::file("timm/config.json", data);
    let mut path = scratch::path("timm/model.safetensors");
    if !path.is_file() {
        path = scratch::file("timm/model.safetensors", WEIGHTS);
    }
    let file = WeightsFile::open(&path).expect("weights");
    let classes = file.classes(3);
    if let Ok(Some(names)) = &classes {
        assert_eq!(names.len(), 3);
    }
    match file.arch() {
        Ok(Some(arch)) => arch.plan().is_ok() && classes.is_ok(),
        Ok(None) | Err(_) => false,
    }
}

/// A model's `model.json`.
pub fn model(data: &[u8]) -> bool {
    let folder = scratch::file("model/model.json", data).with_file_name("");
    let Ok(card) = ModelCard::read(&folder) else { return false };
    let cost = card.arch.cost(card.classes.len()).expect("a card whose architecture was checked");
    assert!(cost.parameters > 0);
    assert!(SavedModel::open(&folder, &Device::Cpu).is_err(), "its networks are not there");
    let again = scratch::path("again/model.json").with_file_name("");
    card.write(&again).expect("a card that was read");
    assert_eq!(ModelCard::read(&again).expect("a card that was written"), card);
    true
}

/// The settings of a run, a user's or its own `config.toml`.
pub fn config(data: &[u8]) -> bool {
    let Ok(config) = Config::read(&scratch::file("config.toml", data)) else { return false };
    let again = scratch::path("again.toml");
    config.write(&again).expect("settings that were read");
    let read = Config::read(&again).expect("settings that were written");
    // As text: a NaN is not equal to itself.
    assert_eq!(format!("{read:?}"), format!("{config:?}"));
    let mut settings = config.settings;
    // They would be looked for on the disk, or fetched.
    settings.weights = None;
    let facts = DatasetStats { images: 100, classes: 3, side: 32, shape: Shape::default(), demo: false };
    if let Ok(plan) = settings.resolve(&facts) {
        assert!(plan.arch.plan().is_ok());
        assert_eq!(plan.settings.clone().resolve(&facts).expect("what is resolved can be again"), plan);
    }
    true
}

/// A CSV of labels, for a folder of four images.
pub fn labels(data: &[u8]) -> bool {
    const IMAGES: [&str; 4] = ["cat/1.png", "cat/2.png", "dog/3.png", "4.png"];
    let folder = scratch::path("images/cat").with_file_name("");
    for image in IMAGES {
        if !folder.join(image).is_file() {
            scratch::file(&format!("images/{image}"), b"");
        }
    }
    let csv = LabelsCsv::new(scratch::file("labels.csv", data));
    let with_truth = LabelsCsv { truth_column: Some("truth".to_owned()), ..csv.clone() };
    let taken = [csv, with_truth].map(|csv| is_taken(&folder, csv, &IMAGES));
    taken[0] || taken[1]
}

fn is_taken(folder: &Path, csv: LabelsCsv, images: &[&str]) -> bool {
    let options = OpenOptions { labels: Some(csv), test: TestSplit::Folders, ..OpenOptions::default() };
    let Ok(set) = open(folder, &options) else { return false };
    assert!(set.classes.is_sorted_by(|a, b| a < b), "{:?}", set.classes);
    let paths: BTreeSet<&str> = set.train.iter().map(|sample| sample.path.as_str()).collect();
    assert_eq!(paths.len(), set.train.len());
    for sample in &set.train {
        assert!(images.contains(&sample.path.as_str()), "{}", sample.path);
        assert!(
            sample.label < set.classes.len() && sample.truth.is_none_or(|truth| truth < set.classes.len())
        );
    }
    true
}
