//! `effmix export`: what is written. That others load it is seen by `xtask/golden/exported.py`, which needs them.

use super::setup::{CLASSES, Folder, json, npy, read};

const TINY: [&str; 8] = ["--epochs", "2", "--warmup", "1", "--lambda-u", "0", "--seed", "3"];

#[test]
fn a_pair_becomes_its_better_half_and_predicts_from_one_file() {
    let folder = Folder::with_images(12);
    folder.train("run", &TINY);
    let shown = folder.run(&["export", "run", "--format", "safetensors", "--out", "one.safetensors"]);
    let metrics = String::from_utf8(read(&folder.path("run/metrics.jsonl"))).unwrap();
    let last: Vec<f64> = metrics
        .lines()
        .map(|line| json(line.as_bytes()))
        .filter(|line| line["epoch"] == 2)
        .map(|line| line["network_test_accuracy"].as_f64().unwrap())
        .collect();
    let better = if last[1] > last[0] { 2 } else { 1 };
    assert!(shown.contains(&format!("network {better} of 2 (the better on the test images")), "{shown}");
    let logits = |model: &str, out: &str| {
        folder.run(&["predict", model, "data", "--logits", out, "--out", &format!("{out}.csv")]);
        npy(&folder.path(out)).1
    };
    let of_net = logits(&format!("run/model/net{better}.safetensors"), "net.npy");
    assert_eq!(logits("one.safetensors", "one.npy"), of_net);
    let names = String::from_utf8(read(&folder.path("one.npy.csv"))).unwrap();
    assert!(
        CLASSES.iter().any(|(class, _)| names.lines().nth(1).unwrap().contains(&format!(",{class},"))),
        "{names}"
    );
    let other = format!("{}", 3 - better);
    folder.run(&["export", "run", "--format", "safetensors", "--out", "b.safetensors", "--net", &other]);
    assert_ne!(logits("b.safetensors", "b.npy"), of_net);
    // An exported file is a model like any other: it can be exported again.
    folder.run(&["export", "one.safetensors", "--format", "safetensors", "--out", "again.safetensors"]);
    assert!(read(&folder.path("again.safetensors")) == read(&folder.path("one.safetensors")));
}

#[test]
fn files_that_exist_are_refused_and_force_replaces_our_own_alone() {
    let folder = Folder::with_images(8);
    folder.train("run", &TINY);
    for (format, name) in [("safetensors", "m.safetensors"), ("onnx", "m.onnx")] {
        let args = ["export", "run", "--format", format, "--out", name];
        let force = [&args[..], &["--force"]].concat();
        folder.run(&args);
        let first = read(&folder.path(name));
        assert!(folder.fails(1, &args).contains("--force"));
        folder.run(&force);
        assert!(read(&folder.path(name)) == first, "the same model gives the same bytes");
        folder.put(name, "mine");
        folder.fails(1, &force);
        assert_eq!(read(&folder.path(name)), b"mine");
    }
}

#[test]
fn what_another_library_cannot_build_is_refused_with_the_reason() {
    let folder = Folder::with_images(8);
    folder.train("run", &TINY);
    for format in ["timm", "torchvision"] {
        let message = folder.fails(1, &["export", "run", "--format", format, "--out", "m.safetensors"]);
        assert!(message.contains(format) && message.contains("onnx"), "{message}");
        assert!(!folder.path("m.safetensors").exists());
    }
    assert!(
        folder.fails(2, &["export", "run", "--format", "onnx", "--out", "m", "--net", "3"]).contains("--net")
    );
    assert!(folder.fails(2, &["export", "run", "--format", "magic", "--out", "m"]).contains("torchvision"));
    folder.fails(1, &["export", "nothing", "--format", "onnx", "--out", "m"]);
}
