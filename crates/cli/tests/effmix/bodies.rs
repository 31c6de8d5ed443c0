//! Several networks whose features stand side by side.

use std::collections::BTreeMap;
use std::path::Path;

use effnet_model::candle::Device;
use effnet_model::{ARCH_KEY, Arch, EfficientNet, ParameterStore, save_weights};

use crate::repeatable::assert_same;
use crate::setup::{Folder, csv_rows, json, npy, read};

/// A small network with first weights, whose file says what it is and how it prepares images; gives the length of its features.
fn put_network(path: &Path, mean: f32, seed: u64) -> usize {
    put_network_for(path, mean, seed, 3)
}

fn put_network_for(path: &Path, mean: f32, seed: u64, channels: usize) -> usize {
    let mut arch = Arch::by_name("b0").unwrap().with_scaling(0.1, 0.1).with_channels(channels);
    arch.preprocessing.mean = [mean; 3];
    let store = ParameterStore::new(seed, &Device::Cpu);
    EfficientNet::new(&arch, 3, store.var_builder()).unwrap();
    let metadata = BTreeMap::from([(ARCH_KEY.to_owned(), serde_json::to_string(&arch).unwrap())]);
    save_weights(&store, path, &metadata).unwrap();
    arch.plan().unwrap().head
}

/// Images, and the weights of two networks that prepare images in different ways; gives the lengths of their features.
fn with_two_networks() -> (Folder, [usize; 2]) {
    let folder = Folder::with_images(8);
    let one = put_network(&folder.path("one.safetensors"), 0.45, 1);
    let two = put_network(&folder.path("two.safetensors"), 0.5, 2);
    (folder, [one, two])
}

fn train<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let short = ["--size", "32", "--epochs", "3", "--warmup", "1", "--batch", "8"];
    let bodies = ["--weights", "one.safetensors", "--weights", "two.safetensors"];
    [&["train", "data", "--out", out][..], &bodies, &short, more].concat()
}

#[test]
fn a_head_is_trained_on_the_features_of_both_and_predicts_by_them() {
    let (folder, [one, two]) = with_two_networks();
    let said = String::from_utf8(folder.output(&train("out", &[])).stderr).unwrap();
    assert!(said.contains("one.safetensors and 1 more (a head on efficientnet_b0 at 32 px"), "{said}");
    assert!(said.contains("the pretrained networks stay as they are"), "{said}");
    let card = json(&read(&folder.path("out/model/model.json")));
    let bodies: Vec<&str> =
        card["bodies"].as_array().unwrap().iter().map(|body| body["weights"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["body1.safetensors", "body2.safetensors"]);

    folder.run(&["predict", "out", "data", "--embeddings", "e.npy", "--logits", "l.npy", "--out", "p.csv"]);
    let (shape, features) = npy(&folder.path("e.npy"));
    assert_eq!(shape[1], one + two);
    // Each network's features have the norm of its length.
    let norm = |features: &[f32]| features.iter().map(|f| f * f).sum::<f32>();
    for row in features.chunks(one + two) {
        let of = row.split_at(one);
        assert!((norm(of.0) / one as f32 - 1.0).abs() < 1e-4 && (norm(of.1) / two as f32 - 1.0).abs() < 1e-4);
    }

    // The model is right on as many held-out images as the run has measured.
    let (_, issues) = csv_rows(&read(&folder.path("out/label_issues.csv")));
    for row in issues.iter().filter(|row| row.last().unwrap() == "test") {
        let image = read(&folder.path("data").join(&row[1]));
        folder.put(&format!("held/{}", row[1]), image);
    }
    let held = json(folder.run(&["evaluate", "out", "held", "--json"]).as_bytes());
    let summary = json(&read(&folder.path("out/summary.json")));
    assert_eq!(
        (&held["images"], &held["accuracy"]),
        (&summary["test_images"], &summary["test_accuracy_last"])
    );
    let measured = json(folder.run(&["evaluate", "out", "data", "--json"]).as_bytes());
    assert_eq!(measured["images"], 24);
}

#[test]
fn such_a_run_is_the_same_again_and_goes_on_from_its_checkpoints() {
    let (folder, _) = with_two_networks();
    folder.run(&train("first", &[]));
    folder.run(&["train", "--config", "first/config.toml", "--out", "second"]);
    assert_same(&folder, "first", "second");
    let bytes = |run: &str| read(&folder.path(run).join("model/body2.safetensors"));
    assert!(bytes("first") == bytes("second"));
    folder.run(&train("short", &["--epochs=2"]));
    folder.run(&["resume", "first", "--epochs", "5"]);
    put_network(&folder.path("two.safetensors"), 0.5, 3);
    let refused = folder.fails(1, &["resume", "short", "--epochs", "3"]);
    assert!(refused.contains("two.safetensors") && refused.contains("not the weights"), "{refused}");
}

#[test]
fn features_of_one_network_are_used_again_beside_another() {
    let (folder, _) = with_two_networks();
    folder.run(&train("both", &[]));
    let cached = || {
        let files = std::fs::read_dir(folder.path("cache")).unwrap().flatten().map(|file| file.file_name());
        files.filter(|name| name.to_string_lossy().ends_with(".features")).count()
    };
    let before = cached();
    assert!(before >= 4, "two networks, two sets: {before}");
    folder.run(&[
        "train",
        "data",
        "--out",
        "one",
        "--weights",
        "one.safetensors",
        "--size",
        "32",
        "--epochs",
        "1",
    ]);
    assert_eq!(cached(), before, "the first network's features are those of a run of its own");
}

#[test]
fn onnx_holds_all_networks_and_others_say_no() {
    let (folder, _) = with_two_networks();
    folder.run(&train("out", &[]));
    let said = folder.run(&["export", "out", "--format", "onnx", "--out", "m.onnx"]);
    assert!(said.contains("the mean of 2 networks") && said.contains("images, f32 [N, 3, 32, 32]"), "{said}");
    folder.run(&["export", "out", "--format", "onnx", "--out", "one.onnx", "--net", "2"]);
    for format in ["timm", "torchvision", "safetensors"] {
        let refused = folder.fails(1, &["export", "out", "--format", format, "--out", "m.safetensors"]);
        assert!(refused.contains("--format onnx"), "{refused}");
    }
    let refused = folder.fails(1, &["predict", "out", "data", "--cam", "maps"]);
    assert!(refused.contains("--cam") && !folder.path("maps").exists(), "{refused}");
    let refused = folder.fails(1, &["train", "data", "--weights", "out", "--out", "more"]);
    assert!(refused.contains("body1.safetensors, ") && refused.contains("body2.safetensors"), "{refused}");
}

#[test]
fn what_can_not_stand_side_by_side_is_refused_before_anything_is_written() {
    let (folder, _) = with_two_networks();
    let with = |status, more: &[&str]| {
        folder.fails(status, &[&["train", "data", "--out", "out"][..], more].concat())
    };
    let (one, two) = (["--weights", "one.safetensors"], ["--weights", "two.safetensors"]);
    let usage = [
        ([&one[..], &two, &["--freeze", "none"]].concat(), "--freeze backbone"),
        ([&one[..], &["--weights", "none"]].concat(), "auto and none stand alone"),
        ([&one[..], &one].concat(), "there twice"),
        ([&one[..], &two, &["--arch", "b0"]].concat(), "the architecture of each"),
        ([&one[..], &two, &["--arch", "b0", "--arch", "b1"]].concat(), "holds efficientnet_b0"),
        ([&one[..], &["--arch", "b0", "--arch", "b1"]].concat(), "--arch"),
    ];
    for (more, reason) in usage {
        let refused = with(2, &more);
        assert!(refused.contains(reason), "{more:?}: {refused}");
    }
    let refused = with(1, &[&one[..], &["--weights", "nowhere.pth"]].concat());
    assert!(refused.contains("nowhere.pth"), "{refused}");
    put_network_for(&folder.path("grey.safetensors"), 0.5, 3, 1);
    let refused = with(1, &[&one[..], &["--weights", "grey.safetensors"]].concat());
    assert!(refused.contains("1 channels"), "{refused}");
    assert!(!folder.path("out").exists());
}
