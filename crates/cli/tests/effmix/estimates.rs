//! What a run says at its start that it needs, what it refuses for lack of room, and what `--budget` chooses.

use super::repeatable::{assert_same, timeless_files};
use super::setup::{Folder, json, read, train_args};

/// Without what `--budget` may choose.
fn open_args(out: &str) -> Vec<&str> {
    vec!["train", "data", "--weights", "none", "--out", out, "--batch", "8", "--test-fraction", "0.2"]
}

#[test]
fn a_run_says_what_it_needs_and_its_summary_keeps_it() {
    let folder = Folder::with_images(12);
    let output = folder.output(&train_args("out"));
    let told = String::from_utf8(output.stderr).unwrap();
    let line = told.lines().find(|line| line.starts_with("needs      about ")).unwrap();
    assert!(line.contains("of disk"), "{line}");
    assert!(line.contains("of memory") || !cfg!(target_os = "linux"), "{line}");
    let summary = json(&read(&folder.path("out/summary.json")));
    let (estimated, taken) =
        (summary["estimated_seconds"].as_f64().unwrap(), summary["seconds"].as_f64().unwrap());
    assert!(estimated > 0.0 && estimated < 60.0 + 20.0 * taken, "{estimated} s estimated, {taken} s taken");
    let kept = json(&read(&folder.path("out/estimate.json")));
    assert_eq!(kept["seconds"], summary["estimated_seconds"]);
    let disk: u64 = std::fs::read_dir(folder.path("out/checkpoints"))
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(kept["run_bytes"].as_u64().unwrap() > disk, "{kept}: the checkpoint alone has {disk}");
}

#[test]
fn a_run_that_goes_on_keeps_the_first_estimate_until_it_is_made_longer() {
    let folder = Folder::with_images(8);
    folder.train("out", &["--schedule", "constant"]);
    let first = read(&folder.path("out/estimate.json"));
    std::fs::remove_file(folder.path("out/summary.json")).unwrap();
    folder.run(&["resume", "out"]);
    assert_eq!(read(&folder.path("out/estimate.json")), first);
    folder.run(&["resume", "out", "--epochs", "4"]);
    assert_ne!(read(&folder.path("out/estimate.json")), first);
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_too_small_is_refused_before_anything_is_written() {
    let folder = Folder::with_images(6);
    let Some(small) = super::setup::SmallDisk::mount(&folder) else {
        println!(
            "skipped: a_disk_that_is_too_small_is_refused_before_anything_is_written: mounting needs root"
        );
        return;
    };
    let output = folder.output(&train_args("small/run"));
    let left = small.0.read_dir().unwrap().count();
    drop(small);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    for part in ["not enough room", "small/run", "--out", "--anyway"] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    assert_eq!(left, 0);
}

#[test]
fn a_budget_chooses_what_was_not_said_and_writes_it_into_the_config() {
    let folder = Folder::with_images(8);
    let output = folder
        .output(&[&open_args("out")[..], &["--epochs", "2", "--warmup", "1", "--budget", "10m"]].concat());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    let line = told.lines().find(|line| line.starts_with("budget 10m: ")).unwrap();
    assert!(line.contains("12 px for 2 epochs, about"), "{line}");
    let config: toml::Table =
        toml::from_str(std::str::from_utf8(&read(&folder.path("out/config.toml"))).unwrap()).unwrap();
    assert_eq!(config["epochs"].as_integer(), Some(2), "what was said stays");
    assert!(
        config.contains_key("width") && config.contains_key("depth") && !config.contains_key("budget"),
        "{config}"
    );

    // The same again from the file, without a budget.
    folder.run(&["train", "--config", "out/config.toml", "--out", "again"]);
    assert_same(&folder, "out", "again");
    assert!(timeless_files(&folder.path("again")).iter().all(|file| file.is_file()));
}

#[test]
fn a_budget_that_nothing_fits_into_is_refused_with_the_time_that_it_takes() {
    let folder = Folder::with_images(30);
    let args = [&open_args("out")[..], &["--width", "1", "--depth", "1", "--size", "64", "--budget", "0.1s"]]
        .concat();
    let message = folder.fails(2, &args);
    for part in ["--budget", "0.1s is too short", "efficientnet_b0 at 64 px for 5 epochs would take about"] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    assert!(!folder.path("out").exists());
    let message = folder.fails(2, &["train", "data", "--budget", "30 min"]);
    assert!(message.contains("30 min") && message.contains("30m"), "{message}");
}
