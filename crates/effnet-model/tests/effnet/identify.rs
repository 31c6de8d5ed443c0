//! Which member a file is of, by the names and shapes of its tensors.

use std::path::PathBuf;

use candle_core::Device;
use effnet_model::{
    Arch, Error, Layout, Padding, Preprocessing, Result, SavedModel, WeightsFile, load_pretrained,
};
use tempfile::TempDir;

use crate::formula;
use crate::hollow::{self, Shapes};

fn arch(name: &str) -> Arch {
    Arch::by_name(name).unwrap()
}

/// The names of B0 to B7 and, where there are any, of Lite0 to Lite4.
fn members(with_lite: bool) -> Vec<String> {
    let names = Arch::names().into_iter().filter(|name| !name.starts_with("tf_"));
    names.filter(|name| with_lite || !name.contains("lite")).collect()
}

fn file(shapes: &Shapes) -> (TempDir, PathBuf) {
    let folder = formula::scratch();
    let path = hollow::file(folder.path(), shapes);
    (folder, path)
}

fn identify(shapes: &Shapes) -> Result<Arch> {
    let (_folder, path) = file(shapes);
    WeightsFile::open(&path)?.identify()
}

/// What an error says of a network of this name that is loaded from the file.
fn refusal(shapes: &Shapes, given: &Arch) -> String {
    let (_folder, path) = file(shapes);
    load_pretrained(&WeightsFile::open(&path).unwrap(), given, 10, 0, &Device::Cpu).unwrap_err().to_string()
}

#[test]
fn every_member_is_told_by_lukemelas_and_torchvisions_names() {
    for (layout, with_lite, count) in [(Layout::Lukemelas, true, 13), (Layout::Torchvision, false, 8)] {
        let members = members(with_lite);
        assert_eq!(members.len(), count);
        for name in members {
            let found = identify(&hollow::shapes(&arch(&name), 1000, layout)).unwrap();
            assert_eq!(found, layout.flavour(&arch(&name)), "{layout:?}");
        }
    }
}

#[test]
fn of_timms_names_both_paddings_are_offered() {
    for name in members(true) {
        let error = identify(&hollow::shapes(&arch(&name), 1000, Layout::Timm)).unwrap_err();
        let Error::ArchNeeded { candidates, .. } = &error else { panic!("{error}") };
        assert_eq!(*candidates, [name.clone(), format!("tf_{name}")]);
        let text = error.to_string();
        let expected = format!(
            "hollow.safetensors: its tensors are those of {name} and of tf_{name} alike, which differ in padding; \
             give one with --arch"
        );
        assert!(text.ends_with(&expected), "{text}");
    }
}

#[test]
fn the_classifier_does_not_count() {
    let b1 = arch("efficientnet_b1");
    let mut shapes = hollow::shapes(&b1, 7, Layout::Torchvision);
    assert_eq!(identify(&shapes).unwrap().name, "efficientnet_b1");
    shapes.retain(|name, _| !name.starts_with("classifier."));
    assert_eq!(identify(&shapes).unwrap().name, "efficientnet_b1");
}

#[test]
fn a_model_is_opened_without_being_told_what_it_is() {
    let (_folder, path) = file(&hollow::shapes(&arch("efficientnet_lite0"), 7, Layout::Lukemelas));
    let found = SavedModel::from_file(&path, None, &Device::Cpu).unwrap().card.arch;
    assert_eq!((found.padding, found.bn_eps), (Padding::Fixed(224), 1e-3));
    assert_eq!(found.preprocessing, Preprocessing::LITE);
    assert_eq!(WeightsFile::open(&path).unwrap().resolve(None).unwrap(), found);

    let (_folder, path) = file(&hollow::shapes(&arch("b0"), 7, Layout::Torchvision));
    let found = SavedModel::from_file(&path, None, &Device::Cpu).unwrap().card.arch;
    assert_eq!((found.padding, found.bn_eps), (Padding::Symmetric, 1e-5));
    assert_eq!(found.preprocessing, Preprocessing { crop: 0.875, ..Preprocessing::IMAGENET });
}

#[test]
fn an_error_says_which_other_member_the_weights_are_of() {
    let lite = hollow::shapes(&arch("efficientnet_lite0"), 10, Layout::Lukemelas);
    let text = refusal(&lite, &arch("b0"));
    let expected = "; they are efficientnet_lite0's; give --arch efficientnet_lite0 or leave it out";
    assert!(text.ends_with(expected) && text.contains("don't fit efficientnet_b0: "), "{text}");

    let text = refusal(&hollow::shapes(&arch("b2"), 10, Layout::Timm), &arch("b0"));
    let expected = "they are those of efficientnet_b2 and of tf_efficientnet_b2 alike, which differ in padding; \
                    give one with --arch";
    assert!(text.ends_with(expected), "{text}");

    let b0 = hollow::shapes(&arch("b0"), 10, Layout::Timm);
    for name in ["b0", "tf_efficientnet_b0"] {
        let text = refusal(&b0, &arch(name).with_scaling(0.5, 1.0));
        assert!(text.ends_with("efficientnet_b0's at its published width and depth"), "{text}");
    }

    let scaled = hollow::shapes(&arch("b0").with_scaling(0.5, 1.0), 10, Layout::Timm);
    let text = refusal(&scaled, &arch("b0"));
    assert!(text.ends_with("they are not those of any published member"), "{text}");
}

#[test]
fn an_error_says_that_a_record_is_wrong() {
    let (folder, path) = file(&hollow::shapes(&arch("efficientnet_lite1"), 10, Layout::Timm));
    let config = r#"{"architecture": "efficientnet_b0", "pretrained_cfg": {"input_size": [3, 224, 224],
        "interpolation": "bicubic", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}}"#;
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let text = SavedModel::from_file(&path, None, &Device::Cpu).unwrap_err().to_string();
    let expected = "they are those of efficientnet_lite1 and of tf_efficientnet_lite1, and what is recorded with them is wrong";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn tensors_of_no_member_are_compared_with_the_nearest() {
    let mut shapes = hollow::shapes(&arch("b3"), 10, Layout::Torchvision);
    shapes.insert("features.8.0.weight".to_owned(), vec![1536, 380, 1, 1]);
    shapes.remove("features.0.1.bias");
    let error = identify(&shapes).unwrap_err();
    assert!(matches!(error, Error::OtherNetwork { .. }), "{error}");
    let text = error.to_string();
    for part in [
        "hollow.safetensors: the weights of an unknown network, which is not supported (",
        "the nearest member is efficientnet_b3, from which it differs: 1 missing: bn1.bias; ",
        "conv_head.weight is [1536, 380, 1, 1] where [1536, 384, 1, 1] is needed",
        "EfficientNet-B0 to B7 and Lite0 to Lite4 under the names of timm, torchvision or lukemelas",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
