//! `effmix export`: what is written, and that others load it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use dividemix::run::write_npy;
use effnet_model::candle::{Device, Tensor};
use effnet_model::{ARCH_KEY, Arch, EfficientNet, Layout, Mode, ParameterStore, SavedModel, save_weights};

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

/// A member in a library's flavour with weights that are not the first ones, as a file of ours; and what it says of images.
fn member(folder: &Folder, name: &str, layout: Layout, size: usize) -> SavedModel {
    let arch = layout.flavour(&Arch::by_name(name).unwrap()).with_size(size);
    let store = ParameterStore::new(5, &Device::Cpu);
    let network = EfficientNet::new(&arch, 7, store.var_builder()).unwrap();
    for seed in 0..2 {
        network.forward_t(&images(size, seed), Mode::TrainNoGrad { seed }).unwrap();
    }
    let metadata = BTreeMap::from([(ARCH_KEY.to_owned(), serde_json::to_string(&arch).unwrap())]);
    let path = folder.path("member.safetensors");
    save_weights(&store, &path, &metadata).unwrap();
    let model = SavedModel::from_file(&path, None).unwrap();
    let images = images(size, 9);
    let logits = model.logits(&images).unwrap();
    let nchw = images.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
    put_npy(&folder.path("images.npy"), &nchw);
    put_npy(&folder.path("logits.npy"), &logits);
    model
}

fn put_npy(path: &Path, tensor: &Tensor) {
    write_npy(path, &tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap(), tensor.dims()).unwrap();
}

fn images(size: usize, seed: u64) -> Tensor {
    let n = 4 * size * size * 3;
    let value = |k: usize| (((k as u64 * 2_654_435_761 + seed * 97) % 1000) as f32 / 500.0 - 1.0).sin() * 2.0;
    Tensor::from_vec((0..n).map(value).collect::<Vec<f32>>(), (4, size, size, 3), &Device::Cpu).unwrap()
}

#[test]
fn timm_torchvision_and_onnx_runtime_compute_the_same() {
    let Some(python) = std::env::var_os("EFFMIX_PYTHON") else {
        println!(
            "skipped: timm_torchvision_and_onnx_runtime_compute_the_same: no Python (set EFFMIX_PYTHON to one with timm, \
             torchvision, safetensors, onnx and onnxruntime)"
        );
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export.py");
    let cases: [(&str, Layout, usize, &[&str]); 8] = [
        ("efficientnet_b0", Layout::Timm, 64, &["timm", "torchvision", "onnx"]),
        ("efficientnet_b1", Layout::Timm, 75, &["timm", "torchvision", "onnx"]),
        ("tf_efficientnet_b0", Layout::Timm, 75, &["timm", "onnx"]),
        ("tf_efficientnet_b2", Layout::Timm, 64, &["timm", "onnx"]),
        ("efficientnet_lite0", Layout::Lukemelas, 64, &["timm", "onnx"]),
        ("efficientnet_b0", Layout::Torchvision, 64, &["timm", "torchvision", "onnx"]),
        ("efficientnet_b5", Layout::Torchvision, 64, &["timm", "torchvision", "onnx"]),
        ("efficientnet_b0", Layout::Lukemelas, 64, &["timm", "onnx"]),
    ];
    for (name, layout, size, formats) in cases {
        let folder = Folder::new();
        member(&folder, name, layout, size);
        for format in formats {
            let shown = folder.run(&["export", "member.safetensors", "--format", format, "--out", format]);
            let kind = if *format == "onnx" { "onnx" } else { "torch" };
            let constructor = shown.lines().find_map(|line| line.trim().strip_prefix("model = "));
            let constructor = constructor.map(|line| line.trim_end_matches(".eval()"));
            let mut call = Command::new(&python);
            call.current_dir(folder.path("")).arg(&script).args([kind, format, "images.npy", "logits.npy"]);
            let output = call.args(constructor).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success(),
                "{name} as {format}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            let off: Vec<f64> = text.lines().map(|line| line.parse().unwrap()).collect();
            println!("{name} ({layout:?}) as {format}: {off:?}");
            assert!(off.len() == 2 && off.iter().all(|off| *off < 1e-4), "{name} as {format}: {off:?}");
        }
    }
}
