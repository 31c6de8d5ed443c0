//! What files say they are: in themselves, or in timm's config.json beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::Device;
use effnet_model::{
    ARCH_KEY, Arch, Error, Fit, Interpolation, Padding, Preprocessing, SavedModel, WeightsFile, save_weights,
};
use tempfile::TempDir;

use crate::formula;

const CONFIG: &str = r#"{
  "architecture": "tf_efficientnet_lite0",
  "num_classes": 7,
  "pretrained_cfg": {
    "tag": "in1k",
    "input_size": [3, 96, 96],
    "crop_pct": 0.875,
    "crop_mode": "border",
    "interpolation": "bilinear",
    "mean": [0.5, 0.25, 0.125],
    "std": [0.5, 0.5, 0.25]
  }
}"#;

/// A file of the member's weights, which says nothing itself.
fn bare(arch: &Arch) -> (TempDir, PathBuf) {
    let folder = formula::scratch();
    let path = folder.path().join("model.safetensors");
    save_weights(&formula::network(arch, 7).1, &path, &BTreeMap::new()).unwrap();
    (folder, path)
}

fn put_config(path: &Path, text: &str) {
    std::fs::write(path.with_file_name("config.json"), text).unwrap();
}

fn arch(path: &Path) -> Result<Option<Arch>, Error> {
    WeightsFile::open(path).unwrap().arch()
}

#[test]
fn timms_config_beside_a_file_says_all() {
    let member = Arch::by_name("tf_efficientnet_lite0").unwrap();
    let (_folder, path) = bare(&member);
    assert_eq!(arch(&path).unwrap(), None);
    put_config(&path, CONFIG);
    let preprocessing = Preprocessing {
        mean: [0.5, 0.25, 0.125],
        std: [0.5, 0.5, 0.25],
        alpha: None,
        interpolation: Interpolation::Bilinear,
        crop: 0.875,
        fit: Fit::Pad,
    };
    let expected = Arch { preprocessing, ..member.with_size(96) };
    assert_eq!(arch(&path).unwrap(), Some(expected.clone()));
    let model = SavedModel::from_file(&path, None, &Device::Cpu).unwrap();
    assert_eq!(model.card.arch, expected);
    assert_eq!(model.card.classes[6], "6", "seven classes are not ImageNet's");
}

#[test]
fn classes_are_named_where_the_config_names_them() {
    let member = Arch::by_name("tf_efficientnet_lite0").unwrap();
    let (_folder, path) = bare(&member);
    put_config(&path, &CONFIG.replacen('{', r#"{"label_names": ["a", "b", "c", "d", "e", "f", "g"],"#, 1));
    let open = || SavedModel::from_file(&path, None, &Device::Cpu);
    let model = open().unwrap();
    assert_eq!((model.card.classes.join(""), model.has_names), ("abcdefg".to_owned(), true));
    put_config(&path, &CONFIG.replacen('{', r#"{"label_names": ["a", "b"],"#, 1));
    assert!(open().unwrap_err().to_string().contains("names 2 classes, and its classifier has 7"));
}

#[test]
fn weights_of_imagenet_have_its_classes() {
    let folder = formula::scratch();
    let path = folder.path().join("model.safetensors");
    let member = Arch::by_name("tf_efficientnet_lite0").unwrap();
    save_weights(&formula::network(&member, 1000).1, &path, &BTreeMap::new()).unwrap();
    put_config(&path, CONFIG);
    let model = SavedModel::from_file(&path, None, &Device::Cpu).unwrap();
    let classes = &model.card.classes;
    assert_eq!((classes.len(), classes[0].as_str(), classes[999].as_str()), (1000, "tench", "toilet tissue"));
    assert!(!model.has_names, "folders of ImageNet are called otherwise");
    put_config(&path, &CONFIG.replace("in1k", "in12k"));
    assert_eq!(SavedModel::from_file(&path, None, &Device::Cpu).unwrap().card.classes[999], "999");
}

#[test]
fn a_config_that_cannot_be_used_is_an_error_that_says_where() {
    let (_folder, path) = bare(&Arch::by_name("tf_efficientnet_lite0").unwrap());
    let refused = |from: &str, to: &str, part: &str| {
        assert!(CONFIG.contains(from), "{from}");
        put_config(&path, &CONFIG.replace(from, to));
        let text = arch(&path).unwrap_err().to_string();
        assert!(text.contains("config.json") && text.contains(part), "{part}: {text}");
    };
    refused("\"num_classes\": 7,", "\"num_classes\": 7", "line 4");
    refused("tf_efficientnet_lite0", "resnet50", "resnet50");
    refused("[3, 96, 96]", "[1, 96, 96]", "[1, 96, 96]: these weights take images of 3 channels");
    refused("[3, 96, 96]", "[3, 96, 80]", "[3, 96, 80]");
    refused("[3, 96, 96]", "[3, 99999, 99999]", "size 99999");
    refused("bilinear", "lanczos", "lanczos");
    refused("0.875", "1.5", "crop 1.5");
    refused("[0.5, 0.5, 0.25]", "[0.5, 0.0, 0.25]", "std");
    refused("\"mean\"", "\"average\"", "mean");
}

#[test]
fn another_programs_config_is_none() {
    let (_folder, path) = bare(&Arch::by_name("tf_efficientnet_lite0").unwrap());
    for other in ["{\"port\": 80}", "[]", "3"] {
        put_config(&path, other);
        assert_eq!(arch(&path).unwrap(), None, "{other}");
    }
}

#[test]
fn an_architecture_that_contradicts_the_record_is_refused() {
    let tiny = Arch::by_name("b0").unwrap().with_scaling(0.1, 0.1);
    let (_folder, path) = bare(&tiny);
    let metadata = BTreeMap::from([(ARCH_KEY.to_owned(), serde_json::to_string(&tiny).unwrap())]);
    save_weights(&formula::network(&tiny, 7).1, &path, &metadata).unwrap();
    let open = |name: &str| SavedModel::from_file(&path, Some(&Arch::by_name(name).unwrap()), &Device::Cpu);
    assert_eq!(open("b0").unwrap().card.arch, tiny);
    for other in ["tf_efficientnet_b0", "b1"] {
        let error = open(other).unwrap_err();
        assert!(matches!(error, Error::OtherArch { .. }), "{error}");
        assert!(error.to_string().contains("holds efficientnet_b0") && error.to_string().contains("--arch"));
    }
}

#[test]
fn a_lite_file_of_timms_own_is_padded_as_timm_does() {
    let lite = Arch::by_name("efficientnet_lite0").unwrap();
    assert_eq!((lite.padding, lite.bn_eps), (Padding::Fixed(224), 1e-3));
    let (_folder, path) = bare(&lite);
    let found = WeightsFile::open(&path).unwrap().resolve(Some(&lite)).unwrap();
    assert_eq!((found.padding, found.bn_eps), (Padding::Symmetric, 1e-5));
    assert_eq!(found.preprocessing, Preprocessing { crop: 0.875, ..Preprocessing::IMAGENET });
}
