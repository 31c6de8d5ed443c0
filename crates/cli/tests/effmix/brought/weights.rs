//! Checkpoints and names of architectures.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::Path;

use effnet_model::candle::Device;
use effnet_model::{ARCH_KEY, Arch, EfficientNet, ParameterStore, WeightsFile, save_weights};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::setup::{Folder, json, read};

/// A small member's shape, for the files that don't record it.
const SMALL: [&str; 6] = ["--arch", "b0", "--width", "0.1", "--depth", "0.1"];

/// A small B0 with first weights by this seed, for three classes; the file says what it is.
fn small(path: &Path, seed: u64) -> WeightsFile {
    small_for(path, seed, 3)
}

/// The same for images of so many channels.
fn small_for(path: &Path, seed: u64, channels: usize) -> WeightsFile {
    let arch = Arch::by_name("b0").unwrap().with_scaling(0.1, 0.1).with_channels(channels);
    let store = ParameterStore::new(seed, &Device::Cpu);
    EfficientNet::new(&arch, 3, store.var_builder()).unwrap();
    let metadata = BTreeMap::from([(ARCH_KEY.to_owned(), serde_json::to_string(&arch).unwrap())]);
    save_weights(&store, path, &metadata).unwrap();
    WeightsFile::open(path).unwrap()
}

/// The header of a file of safetensors with this before each tensor's name.
fn with_prefix(bytes: &[u8], prefix: &str) -> Vec<u8> {
    let length = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    let (header, data) = bytes[8..].split_at(length);
    let header = json(header);
    let renamed = header.as_object().unwrap().iter().map(|(name, entry)| match name.as_str() {
        "__metadata__" => (name.clone(), entry.clone()),
        _ => (format!("{prefix}{name}"), entry.clone()),
    });
    let header = serde_json::to_vec(&renamed.collect::<serde_json::Map<_, _>>()).unwrap();
    [&(header.len() as u64).to_le_bytes(), &header[..], data].concat()
}

/// What torch.save makes of `{"epoch": 3, "args": Namespace(lr=0.1), KEY: {PREFIX + name: tensor, ...}, ...}`.
fn torch(dictionaries: &[(&str, &str, &WeightsFile)]) -> Vec<u8> {
    let text = |out: &mut Vec<u8>, text: &str| {
        out.push(b'X');
        out.extend((text.len() as u32).to_le_bytes());
        out.extend(text.as_bytes());
    };
    let sizes = |out: &mut Vec<u8>, sizes: &[usize]| {
        out.push(b'(');
        sizes.iter().for_each(|size| {
            out.push(b'J');
            out.extend((*size as i32).to_le_bytes());
        });
        out.push(b't');
    };
    let mut object = b"\x80\x02}(X\x05\0\0\0epochK\x03X\x04\0\0\0argscargparse\nNamespace\n)\x81}X\x02\0\0\0lrG\x3f\xb9\x99\x99\x99\x99\x99\x9asb".to_vec();
    let mut storages = Vec::new();
    for (key, prefix, file) in dictionaries {
        text(&mut object, key);
        object.extend(b"ccollections\nOrderedDict\n)R(");
        for (name, shape) in file.shapes() {
            let values = file.values(name).unwrap();
            text(&mut object, &format!("{prefix}{name}"));
            object.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n");
            text(&mut object, &storages.len().to_string());
            object.extend(b"X\x03\0\0\0cpuJ");
            object.extend((values.len() as i32).to_le_bytes());
            object.extend(b"tQK\0");
            sizes(&mut object, shape);
            sizes(
                &mut object,
                &(0..shape.len()).map(|at| shape[at + 1..].iter().product()).collect::<Vec<_>>(),
            );
            object.extend(b"\x89}tR");
            storages.push(values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>());
        }
        object.push(b'u');
    }
    object.extend(b"u.");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut put = |name: &str, content: &[u8]| {
        zip.start_file(format!("checkpoint/{name}"), stored).unwrap();
        zip.write_all(content).unwrap();
    };
    put("data.pkl", &object);
    storages.iter().enumerate().for_each(|(at, storage)| put(&format!("data/{at}"), storage));
    zip.finish().unwrap().into_inner()
}

/// A folder of images, and `checkpoint.pth` with plain weights and averages of them.
fn with_checkpoint() -> Folder {
    let folder = Folder::with_images(8);
    let plain = small(&folder.path("plain.safetensors"), 1);
    let averaged = small(&folder.path("averaged.safetensors"), 2);
    let checkpoint = [("state_dict_ema", "module.", &averaged), ("state_dict", "module.", &plain)];
    folder.put("checkpoint.pth", torch(&checkpoint));
    folder
}

/// Trains a head on the backbone of `weights`, writing `out`; gives stderr.
fn head_on(folder: &Folder, weights: &str, out: &str, more: &[&str]) -> String {
    let short = ["--size", "16", "--epochs", "1", "--warmup", "1", "--batch", "8"];
    let args = [&["train", "data", "--weights", weights, "--out", out][..], &short, more].concat();
    let output = folder.output(&args);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {errors}");
    errors
}

/// What a run's networks say of the training images.
fn outcome(folder: &Folder, run: &str) -> Vec<u8> {
    read(&folder.path(run).join("pred_probs.npy"))
}

/// Such a file names no architecture: a run from it goes on with the one that was told from its tensors.
#[test]
fn a_run_from_weights_that_name_no_architecture_goes_on() {
    let folder = Folder::with_images(6);
    let arch = Arch::by_name("b0").unwrap();
    let store = ParameterStore::new(1, &Device::Cpu);
    EfficientNet::new(&arch, 3, store.var_builder()).unwrap();
    let metadata = BTreeMap::from([(ARCH_KEY.to_owned(), serde_json::to_string(&arch).unwrap())]);
    save_weights(&store, &folder.path("b0.safetensors"), &metadata).unwrap();
    folder.run(&["export", "b0.safetensors", "--format", "torchvision", "--out", "tv.safetensors"]);
    let train =
        ["train", "data", "--weights", "tv.safetensors", "--size", "16", "--epochs", "1", "--warmup", "1"];
    folder.run(&[&train[..], &["--out", "out"]].concat());
    folder.run(&["resume", "out", "--epochs", "2"]);
    let longer: Vec<&str> = train.into_iter().map(|arg| if arg == "1" { "2" } else { arg }).collect();
    assert_eq!(json(&read(&folder.path("out/summary.json")))["epochs"], 2);
    folder.run(&[&longer[..], &["--out", "whole", "--warmup", "1"]].concat());
    for file in ["config.toml", "metrics.jsonl", "label_issues.csv", "model/net1.safetensors"] {
        let [one, other] = ["out", "whole"].map(|run| read(&folder.path(run).join(file)));
        assert!(one == other, "{file}");
    }
}

#[test]
fn a_training_scripts_checkpoint_gives_its_plain_weights_and_says_which_others_there_are() {
    let folder = with_checkpoint();
    let errors = head_on(&folder, "checkpoint.pth", "run", &SMALL);
    let said = "weights: state_dict of checkpoint.pth, prefix module. removed; averaged weights are there under state_dict_ema \
                (--weights-key state_dict_ema)";
    let unwrapped = errors.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unwrapped.contains(said), "{errors}");
    head_on(&folder, "plain.safetensors", "plain", &[]);
    assert_eq!(outcome(&folder, "run"), outcome(&folder, "plain"));
}

#[test]
fn averaged_weights_are_taken_by_their_key_from_a_flag_or_a_file() {
    let folder = with_checkpoint();
    // The cache holds the features of the plain weights, which must not be taken for those of the averages.
    head_on(&folder, "checkpoint.pth", "first", &SMALL);
    head_on(&folder, "averaged.safetensors", "expected", &[]);
    let key = ["--weights-key", "state_dict_ema"];
    let errors = head_on(&folder, "checkpoint.pth", "flag", &[&SMALL[..], &key].concat());
    assert!(errors.contains("weights: state_dict_ema of checkpoint.pth"), "{errors}");
    assert_eq!(outcome(&folder, "flag"), outcome(&folder, "expected"));
    assert_ne!(outcome(&folder, "flag"), outcome(&folder, "first"));
    let config = String::from_utf8(read(&folder.path("flag/config.toml"))).unwrap();
    assert!(config.contains("weights-key = \"state_dict_ema\""), "{config}");
    folder.run(&["train", "--config", "flag/config.toml", "--out", "again"]);
    assert_eq!(outcome(&folder, "again"), outcome(&folder, "expected"));
}

#[test]
fn a_wrong_key_is_answered_with_the_right_ones() {
    let folder = with_checkpoint();
    let train = ["train", "data", "--weights", "checkpoint.pth", "--weights-key", "ema"];
    let predict = ["predict", "checkpoint.pth", "data", "--weights-key", "ema", "--arch", "b0"];
    let export = [
        "export",
        "checkpoint.pth",
        "--format",
        "timm",
        "--out",
        "e",
        "--weights-key",
        "ema",
        "--arch",
        "b0",
    ];
    let evaluate = ["evaluate", "checkpoint.pth", "data", "--weights-key", "ema", "--arch", "b0"];
    for args in [&[&train[..], &SMALL].concat()[..], &predict, &export, &evaluate] {
        let errors = folder.fails(2, args);
        assert!(errors.contains("checkpoint.pth: has no weights of a network under ema"), "{errors}");
        assert!(errors.contains("--weights-key can be state_dict, state_dict_ema"), "{errors}");
    }
    assert!(!folder.path("e").exists() && !folder.path("runs").exists());
    // A file with one set, a run, and no file at all.
    let errors = folder.fails(2, &["predict", "plain.safetensors", "data", "--weights-key", "ema"]);
    assert!(errors.contains("leave --weights-key out"), "{errors}");
    head_on(&folder, "plain.safetensors", "run", &[]);
    let errors = folder.fails(2, &["predict", "run", "data", "--weights-key", "ema"]);
    assert!(errors.contains("--weights-key") && errors.contains("files of weights"), "{errors}");
    let errors = folder.fails(2, &["train", "data", "--weights", "none", "--weights-key", "ema"]);
    assert!(errors.contains("--weights-key") && errors.contains("--weights"), "{errors}");
}

#[test]
fn prefixes_in_safetensors_are_taken_off() {
    let folder = Folder::with_images(2);
    small(&folder.path("bare.safetensors"), 1);
    let bare = folder.output(&["predict", "bare.safetensors", "data"]);
    assert!(
        !String::from_utf8_lossy(&bare.stderr).contains("weights:"),
        "bare weights are nothing to speak of"
    );
    for prefix in ["module.", "_orig_mod.", "model.", "net.backbone.", "my_own."] {
        folder.put("w.safetensors", with_prefix(&read(&folder.path("bare.safetensors")), prefix));
        let output = folder.output(&["predict", "w.safetensors", "data"]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(&format!("weights: w.safetensors, prefix {prefix} removed")), "{errors}");
        assert!(output.status.success() && output.stdout == bare.stdout, "{prefix}: {errors}");
    }
}

#[test]
fn what_is_no_weights_file_is_named_as_what_it_is_everywhere() {
    let folder = with_checkpoint();
    let whole = read(&folder.path("checkpoint.pth"));
    let files: [(&[u8], &str); 6] = [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 42\n", "git lfs pull"),
        (b"<!DOCTYPE html><html><title>Sign in</title></html>", "an HTML page (Sign in)"),
        (b"{\"error\": \"Not Found\"}", "JSON, such as a server's error"),
        (b"", "the file is empty"),
        (b"\x89HDF\r\n\x1a\n", "Keras"),
        (&whole[..whole.len() / 2], "the download is not complete"),
    ];
    for (content, what) in files {
        folder.put("w.pth", content);
        for args in [
            &["predict", "w.pth", "data", "--arch", "b0"][..],
            &["train", "data", "--weights", "w.pth", "--arch", "b0"],
            &["export", "w.pth", "--format", "onnx", "--out", "e.onnx"],
        ] {
            let errors = folder.fails(1, args);
            assert!(errors.contains("w.pth: ") && errors.contains(what), "{what}: {errors}");
        }
    }
}

#[test]
fn an_architectures_name_may_be_spelled_as_people_do() {
    let folder = Folder::new();
    let drawn = |arch: &str| {
        folder.run(&["scale", "figure", arch, "--out", "f.svg", "--force"]);
        read(&folder.path("f.svg"))
    };
    for (name, spellings) in [
        ("efficientnet_b0", &["b0", "B0", "efficientnet-b0", "EfficientNet_B0", "efficientnetb0"][..]),
        ("efficientnet_lite0", &["lite0", "efficientnet-lite0", "EfficientNet-Lite0"]),
        (
            "tf_efficientnet_b3",
            &["tf-efficientnet-b3", "tf_b3", "tf_efficientnet_b3_ns", "timm/tf_efficientnet_b3.ns_jft_in1k"],
        ),
    ] {
        let expected = drawn(name);
        for spelling in spellings {
            assert_eq!(drawn(spelling), expected, "{spelling}");
        }
    }
}

#[test]
fn a_mistyped_architecture_is_answered_with_the_nearest_names() {
    let folder = with_checkpoint();
    for args in [
        &["predict", "checkpoint.pth", "data", "--arch", "eficientnet_b4"][..],
        &["train", "data", "--weights", "none", "--arch", "eficientnet_b4"],
        &["bench", "--arch", "eficientnet_b4"],
        &["scale", "figure", "eficientnet_b4", "--out", "f.svg"],
        &["export", "checkpoint.pth", "--format", "onnx", "--out", "e.onnx", "--arch", "eficientnet_b4"],
    ] {
        let errors = folder.fails(2, args);
        assert!(errors.contains("did you mean efficientnet_b4 or "), "{errors}");
    }
    let errors = folder.fails(2, &["bench", "--arch", "resnet50"]);
    assert!(!errors.contains("did you mean") && errors.contains("known: efficientnet_b0"), "{errors}");
}

#[test]
fn weights_for_grey_images_and_for_opacity_are_trained_predicted_and_exported_with() {
    for channels in [1, 4] {
        let folder = Folder::with_images(8);
        let file = small_for(&folder.path("w.safetensors"), 1, channels);
        folder.put("w.pth", torch(&[("state_dict", "", &file)]));
        // A head on the frozen backbone, and all of the network.
        head_on(&folder, "w.safetensors", "head", &[]);
        head_on(&folder, "w.pth", "pth", &SMALL);
        assert_eq!(outcome(&folder, "head"), outcome(&folder, "pth"));
        head_on(
            &folder,
            "w.pth",
            "whole",
            &[&SMALL[..], &["--freeze", "none", "--strong-view", "randaugment"]].concat(),
        );
        for run in ["head", "whole"] {
            let card = json(&read(&folder.path(run).join("model/model.json")));
            assert_eq!(card["arch"]["channels"], channels);
            folder.run(&["predict", run, "data", "--tta", "crops", "--cam", &format!("{run}-cam")]);
            folder.run(&["predict", run, "data", "--no-resize", "--tta", "flip"]);
            folder.run(&["evaluate", run, "data"]);
        }
        let text = folder.run(&["export", "whole", "--format", "onnx", "--out", "w.onnx"]);
        assert!(text.contains(&format!("f32 [N, {channels}, 16, 16]")), "{text}");
        folder.run(&["export", "whole", "--format", "safetensors", "--out", "e.safetensors", "--net", "1"]);
        folder.run(&["predict", "e.safetensors", "data"]);
        let resumed = folder.output(&["resume", "whole", "--epochs", "2"]);
        assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    }
}

#[test]
fn a_training_for_grey_images_starts_from_weights_for_colours_or_from_random_numbers() {
    let folder = with_checkpoint();
    let channels =
        |run: &str| json(&read(&folder.path(run).join("model/model.json")))["arch"]["channels"].clone();
    for (run, weights, more) in [
        ("grey", "plain.safetensors", &["--channels", "1"][..]),
        ("opacity", "checkpoint.pth", &[&["--channels", "4"][..], &SMALL].concat()),
        ("random", "none", &[&["--channels", "1"][..], &SMALL].concat()),
        ("colours", "plain.safetensors", &["--channels", "3"]),
    ] {
        head_on(&folder, weights, run, more);
    }
    assert_eq!([channels("grey"), channels("opacity"), channels("random")], [1, 4, 1]);
    head_on(&folder, "plain.safetensors", "default", &[]);
    assert!(channels("default").is_null() && channels("colours").is_null(), "as it was before");
    assert_eq!(outcome(&folder, "colours"), outcome(&folder, "default"));
    let errors = folder.fails(2, &["train", "data", "--weights", "none", "--channels", "2"]);
    assert!(errors.contains("--channels: 2 is not allowed; it must be 1, 3 or 4"), "{errors}");
}
