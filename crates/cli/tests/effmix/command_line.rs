//! Help, wrong usage, exit statuses, and what goes to stdout.

use std::collections::BTreeMap;

use effnet_model::candle::Device;
use effnet_model::{Arch, EfficientNet, ParameterStore, save_weights};
use serde_json::Value;

use super::setup::{Folder, json, read, train_args};

#[test]
fn with_nothing_given_the_first_line_says_how_to_try_it() {
    let shown = Folder::new().run(&[]);
    assert!(shown.lines().next().unwrap().contains("effmix train"), "{shown}");
    assert!(shown.contains("resume") && shown.contains("predict"));
}

#[test]
fn wrong_usage_ends_with_2_and_a_suggestion() {
    let folder = Folder::new();
    let message = folder.fails(2, &["trian"]);
    assert!(message.contains("train"), "{message}");
    let message = folder.fails(2, &["train", "data", "--epoch", "3"]);
    assert!(message.contains("--epochs"), "{message}");
    let message = folder.fails(2, &["train", "data", "--method", "magic"]);
    assert!(message.contains("dividemix") && message.contains("ce"), "{message}");
}

#[test]
fn a_value_out_of_range_is_wrong_usage_and_names_flag_value_and_range() {
    let folder = Folder::with_images(4);
    for (flag, value, range) in [
        ("--threshold", "1.5", "from 0 to 1"),
        ("--size", "4", "from 8"),
        ("--stem-stride", "3", "1 or 2"),
        ("--epochs", "0", "from 1"),
        ("--width", "0", "above 0"),
        ("--threads", "0", "from 1"),
    ] {
        let message = folder.fails(2, &["train", "data", "--out", "out", flag, value]);
        assert!(message.contains(flag) && message.contains(value) && message.contains(range), "{message}");
    }
    assert!(!folder.path("out").exists());
}

#[test]
fn the_help_of_train_gives_the_default_of_every_setting() {
    let output = Folder::new().output(&["train", "--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    let mut settings: Vec<String> = Vec::new();
    for line in help.lines() {
        if line.starts_with("      --") || line.trim_start().starts_with("[DATA]") {
            settings.push(String::new());
        }
        if let Some(text) = settings.last_mut() {
            *text += line;
        }
    }
    // These choose what is printed, or where settings come from.
    settings.retain(|text| !text.contains("--json") && !text.contains("--config"));
    assert!(settings.len() > 50, "{help}");
    let without: Vec<&String> = settings.iter().filter(|text| !text.contains("[default: ")).collect();
    assert!(without.is_empty(), "{without:#?}");
}

/// The largest number that a flag can hold is no number of anything: none of these may panic, or be trained by.
#[test]
fn the_largest_integer_is_wrong_usage_of_every_flag_that_takes_one() {
    let folder = Folder::with_images(4);
    let largest = u64::MAX.to_string();
    for flag in [
        "--per-class",
        "--stem-stride",
        "--size",
        "--loss-average",
        "--epochs",
        "--warmup",
        "--batch",
        "--epoch-images",
        "--augmentations",
        "--patience",
        "--seed",
        "--checkpoint-every",
        "--report-images",
        "--threads",
    ] {
        let message =
            folder.fails(2, &["train", "data", "--weights", "none", "--out", "out", flag, &largest]);
        assert!(message.contains(flag) && message.contains(&largest), "{message}");
        assert!(!folder.path("out").exists(), "{flag}");
    }
}

#[test]
fn an_unknown_architecture_is_wrong_usage_and_lists_the_known_ones() {
    let folder = Folder::with_images(4);
    let message = folder.fails(2, &["train", "data", "--arch", "b9"]);
    assert!(message.contains("b9") && message.contains("efficientnet_lite0"), "{message}");
    // timm's names, which two libraries' networks have, and nothing that says which.
    let store = ParameterStore::new(0, &Device::Cpu);
    EfficientNet::new(&Arch::by_name("b0").unwrap(), 3, store.var_builder()).unwrap();
    save_weights(&store, &folder.path("w.safetensors"), &BTreeMap::new()).unwrap();
    let message = folder.fails(2, &["train", "data", "--weights", "w.safetensors"]);
    for part in ["--arch", "efficientnet_b0", "tf_efficientnet_b0"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn progress_is_a_line_an_epoch_on_stderr_and_nothing_of_it_on_stdout() {
    let folder = Folder::with_images(8);
    let output = folder.output(&[&train_args("out")[..], &["--json"]].concat());
    let progress = String::from_utf8(output.stderr).unwrap();
    assert_eq!(progress.lines().filter(|line| line.starts_with("epoch ")).count(), 3, "{progress}");
    assert!(progress.contains("images/s") && progress.contains("accuracy"));
    assert!(json(&output.stdout).is_object());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = Folder::with_images(30);
    folder.train("out", &[]);
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("effmix"))
        .args(["predict", "out", "data"])
        .current_dir(folder.path(""))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn bench_tells_speed_and_memory() {
    let folder = Folder::new();
    for mode in ["train", "predict"] {
        let args =
            ["bench", "--arch", "b0", "--size", "32", "--batch", "3", "--seconds", "0", "--mode", mode];
        let found = json(folder.run(&[&args[..], &["--threads", "1", "--json"]].concat()).as_bytes());
        assert!(found["images_per_s"].as_f64().unwrap() > 0.0 && found["batches"].as_u64().unwrap() >= 3);
        assert_eq!(
            (&found["mode"], &found["size"], &found["threads"]),
            (&mode.into(), &32.into(), &1.into())
        );
        assert!(found["peak_rss_bytes"].as_u64().is_some() || !cfg!(target_os = "linux"));
        let estimate = &found["estimate"];
        assert_eq!(estimate.is_object(), mode == "train", "{found}");
        let shown = folder.run(&args);
        assert!(shown.contains("images/s"));
        assert_eq!(
            shown.contains("a DivideMix training of 5000 images for 20 epochs would take about"),
            mode == "train"
        );
    }
    let message = folder.fails(2, &["bench", "--arch", "b9"]);
    assert!(message.contains("b9"), "{message}");
}

#[test]
fn bench_estimates_the_training_that_it_is_asked_about() {
    let folder = Folder::new();
    let estimate = |more: &[&str]| {
        let args = ["bench", "--size", "32", "--batch", "4", "--seconds", "0", "--json"];
        json(folder.run(&[&args[..], more].concat()).as_bytes())["estimate"].clone()
    };
    let few = estimate(&["--images", "500", "--epochs", "4", "--method", "ce"]);
    assert_eq!((&few["images"], &few["epochs"], &few["method"]), (&500.into(), &4.into(), &"ce".into()));
    let many = estimate(&["--images", "50000", "--epochs", "40"]);
    assert!(many["seconds"].as_f64().unwrap() > 20.0 * few["seconds"].as_f64().unwrap(), "{many} {few}");
    let most = estimate(&["--images", "4294967295", "--epochs", "65535"]);
    assert!(
        most["seconds"].as_f64().unwrap() > 1e6,
        "the largest training is estimated, in a moment: {most}"
    );
    let message = folder.fails(2, &["bench", "--method", "magic"]);
    assert!(message.contains("dividemix"), "{message}");
}

#[test]
fn scale_shows_what_the_members_cost() {
    let folder = Folder::new();
    let rows = json(folder.run(&["scale", "table", "--json"]).as_bytes());
    let rows = rows.as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["arch"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 13);
    assert_eq!((names[0], names[7], names[12]), ("b0", "b7", "efficientnet_lite4"));
    assert_eq!((&rows[0]["parameters"], &rows[0]["layers"]), (&5_288_548.into(), &18.into()));
    let memory = |row: &Value, key: &str| row[key].as_u64().unwrap();
    for pair in rows[..8].windows(2) {
        assert!(pair[0]["macs"].as_u64() < pair[1]["macs"].as_u64());
        assert!(memory(&pair[0], "training_bytes") < memory(&pair[1], "training_bytes"));
    }
    assert!(rows.iter().all(|row| memory(row, "inference_bytes") < memory(row, "training_bytes")));
    let shown = folder.run(&["scale", "table", "--classes", "10"]);
    assert!(shown.contains("efficientnet_lite4") && shown.contains("with 10 classes"), "{shown}");
}

#[test]
fn scale_makes_members_of_any_size() {
    let folder = Folder::new();
    let at = |args: &[&str]| json(folder.run(&[&["scale", "--json"], args].concat()).as_bytes());
    let zero = at(&["--phi", "0"]);
    assert_eq!((&zero["parameters"], &zero["size"]), (&5_288_548.into(), &224.into()));
    assert!((zero["residual"].as_f64().unwrap() + 0.0797).abs() < 1e-3, "{zero}");
    let small = at(&["--phi", "-3", "--alpha", "1.3", "--beta", "1.05", "--gamma", "1.2"]);
    assert!(small["parameters"].as_u64() < zero["parameters"].as_u64());
    assert_eq!(small["size"], 130, "224 / 1.728");
    assert!(folder.run(&["scale", "--phi", "1"]).starts_with("alpha beta^2 gamma^2 = 1.920 (-0.080 from 2)"));
    for (args, word) in [
        (&["scale"][..], "--phi"),
        (&["scale", "--phi", "x"], "number"),
        (&["scale", "--phi", "1", "--beta", "-1"], "base"),
        (&["scale", "--beta", "1.1"], "--phi"),
    ] {
        let message = folder.fails(2, args);
        assert!(message.contains(word), "{args:?}: {message}");
    }
    let message = folder.fails(1, &["scale", "--phi", "90"]);
    assert!(message.contains("width"), "{message}");
}

#[test]
fn the_figures_in_the_documentation_are_what_the_program_draws() {
    let folder = Folder::new();
    for name in ["b0", "b7", "efficientnet_lite0"] {
        let out = format!("{name}.svg");
        folder.run(&["scale", "figure", name, "--out", &out]);
        let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/network").join(&out);
        assert!(
            read(&folder.path(&out)) == read(&kept),
            "make it again: effmix scale figure {name} --out {out}"
        );
        assert!(folder.fails(1, &["scale", "figure", name, "--out", &out]).contains("--force"));
    }
    assert!(folder.fails(2, &["scale", "figure", "b9", "--out", "b9.svg"]).contains("b9"));
}
