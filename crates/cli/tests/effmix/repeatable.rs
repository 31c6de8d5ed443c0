//! The same seed gives the same bytes in every file that holds no time.

use std::path::{Path, PathBuf};

use super::setup::{Folder, read};

/// Files of a run that hold no time.
pub(crate) fn timeless_files(run: &Path) -> Vec<PathBuf> {
    let names = [
        "config.toml",
        "metrics.jsonl",
        "label_issues.csv",
        "pred_probs.npy",
        "losses.npy",
        "model/model.json",
        "model/net1.safetensors",
        "model/net2.safetensors",
    ];
    names.iter().map(|name| run.join(name)).collect()
}

/// Asserts that two runs have the same bytes.
pub(crate) fn assert_same(folder: &Folder, one: &str, other: &str) {
    let (one, other) = (timeless_files(&folder.path(one)), timeless_files(&folder.path(other)));
    for (one, other) in one.iter().zip(&other) {
        assert!(read(one) == read(other), "{} and {} differ", one.display(), other.display());
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
    let folder = Folder::with_images(12);
    folder.train("one", &["--threads", "1", "--seed", "5"]);
    folder.train("two", &["--threads", "2", "--seed", "5"]);
    assert_same(&folder, "one", "two");
}

#[test]
fn another_seed_gives_another_model() {
    let folder = Folder::with_images(8);
    folder.train("one", &["--seed", "5"]);
    folder.train("two", &["--seed", "6"]);
    assert_ne!(
        read(&folder.path("one/model/net1.safetensors")),
        read(&folder.path("two/model/net1.safetensors"))
    );
}

#[test]
fn a_runs_config_does_the_same_run_again() {
    let folder = Folder::with_images(8);
    folder.train("one", &["--seed", "9", "--lambda-u", "5"]);
    folder.run(&["train", "--config", "one/config.toml", "--out", "two"]);
    assert_same(&folder, "one", "two");
}

#[test]
fn flags_win_over_the_config_file() {
    let folder = Folder::with_images(8);
    folder.put("my.toml", "data = \"data\"\nepochs = 7\nwarmup = 1\nwidth = 0.1\ndepth = 0.1\nbatch = 8\n");
    folder.run(&["train", "--config", "my.toml", "--epochs", "2", "--out", "out"]);
    let metrics = String::from_utf8(read(&folder.path("out/metrics.jsonl"))).unwrap();
    assert_eq!(metrics.lines().count(), 2 * 2);
}
