//! Bad input: a clear error or a listed skip, and nothing of the user's is changed.

use super::setup::{Folder, json, read, train_args};

/// Fast flags for a training that is to end well.
const FAST: [&str; 10] =
    ["--width", "0.1", "--depth", "0.1", "--epochs", "1", "--warmup", "1", "--batch", "8"];

#[test]
fn a_missing_folder_is_named() {
    let folder = Folder::new();
    let message = folder.fails(1, &["train", "nowhere"]);
    assert!(message.contains("nowhere"), "{message}");
    assert!(!folder.path("runs").exists(), "nothing is made for a run that can't be");
}

#[test]
fn one_class_is_too_few() {
    let folder = Folder::new();
    (0..4).for_each(|number| folder.put_image(&format!("data/red/{number}.png"), 2, number));
    let message = folder.fails(1, &["train", "data"]);
    assert!(message.contains("red") && message.contains("two"), "{message}");
}

#[test]
fn unreadable_images_are_skipped_listed_and_the_rest_keeps_its_rows() {
    let folder = Folder::with_images(8);
    let png = read(&folder.path("data/red/00.png"));
    folder.put("data/blue/00-zero.jpg", "");
    folder.put("data/blue/00-text.jpg", "this is text");
    folder.put("data/green/00-cut.png", &png[..png.len() / 2]);
    folder.put("data/red/png-named.jpg", &png);
    folder.train("out", &["--test-fraction", "0"]);
    let summary = json(&read(&folder.path("out/summary.json")));
    let mut skipped: Vec<&str> =
        summary["skipped_files"].as_array().unwrap().iter().map(|s| s["path"].as_str().unwrap()).collect();
    skipped.sort_unstable();
    assert_eq!(skipped, ["blue/00-text.jpg", "blue/00-zero.jpg", "green/00-cut.png"]);
    assert_eq!(summary["images"], 3 * 8 + 1, "the content decides, not the ending");
    assert!(summary["test_accuracy_last"].is_null(), "there are no test images");
}

#[test]
fn images_of_one_readable_class_are_too_few() {
    let folder = Folder::new();
    (0..4).for_each(|number| folder.put_image(&format!("data/red/{number}.png"), 2, number));
    (0..4).for_each(|number| folder.put(&format!("data/blue/{number}.png"), "no image"));
    let message = folder.fails(1, &[&["train", "data", "--out", "out"], &FAST[..]].concat());
    assert!(message.contains("fewer than two classes") && message.contains("blue/0.png"), "{message}");
}

#[test]
fn a_csv_without_the_column_names_those_that_are_there() {
    let folder = Folder::with_images(4);
    folder.put("labels.csv", "file,class\nred/00.png,red\n");
    let message = folder.fails(1, &["train", "data", "--labels", "labels.csv"]);
    assert!(message.contains("path") && message.contains("file") && message.contains("class"), "{message}");
}

#[test]
fn an_output_that_exists_is_refused_and_force_replaces_what_we_wrote_alone() {
    let folder = Folder::with_images(6);
    folder.put("out/mine.txt", "mine");
    let args = [&["train", "data", "--out", "out"], &FAST[..]].concat();
    let message = folder.fails(1, &args);
    assert!(message.contains("out") && message.contains("--force"), "{message}");
    let forced = [&args[..], &["--force"]].concat();
    folder.run(&forced);
    folder.run(&forced);
    assert_eq!(read(&folder.path("out/mine.txt")), b"mine");
    folder.put("foreign/summary.json", "mine");
    let args = [&["train", "data", "--out", "foreign", "--force"], &FAST[..]].concat();
    let message = folder.fails(1, &args);
    assert!(message.contains("won't replace"), "{message}");
    assert_eq!(read(&folder.path("foreign/summary.json")), b"mine");
}

#[test]
fn a_loss_that_is_no_number_names_the_learning_rate() {
    let folder = Folder::with_images(8);
    let args: Vec<&str> =
        train_args("out").into_iter().map(|arg| if arg == "0.01" { "1e9" } else { arg }).collect();
    let message = folder.fails(1, &args);
    assert!(message.contains("diverged") && message.contains("--lr"), "{message}");
}

#[test]
fn an_extreme_weight_decay_ends_the_run_in_training_and_is_named() {
    let folder = Folder::with_images(8);
    let message = folder.fails(1, &[&train_args("out")[..], &["--weight-decay", "1e38"]].concat());
    assert!(message.contains("(--weight-decay, now 1e38"), "{message}");
    assert!(folder.path("out/estimate.json").is_file(), "an estimate does not end a run");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    let folder = Folder::with_images(6);
    let Some(small) = super::setup::SmallDisk::mount(&folder) else {
        println!("skipped: a_full_disk_is_an_error_that_names_the_file: mounting a small disk needs root");
        return;
    };
    // It would be refused for lack of room.
    let args = ["train", "data", "--anyway", "--out", "small/run"];
    let output = folder.output(&[&args[..], &FAST[..]].concat());
    let config_is_whole = folder.path("small/run/config.toml").is_file();
    drop(small);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("small/run") && message.contains("No space left"), "{message}");
    assert!(!message.contains(".part-"), "{message}");
    assert!(config_is_whole);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_stdout_is_an_error_too() {
    let folder = Folder::with_images(6);
    folder.train("out", &[]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = std::process::Command::new(assert_cmd::cargo::cargo_bin("effmix"))
        .args(["predict", "out", "data"])
        .current_dir(folder.path(""))
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("can't write to stdout"));
}

#[test]
fn an_unknown_key_in_the_config_is_named_with_its_line() {
    let folder = Folder::with_images(4);
    folder.put("my.toml", "epochs = 2\nlamda-u = 25\n");
    let message = folder.fails(1, &["train", "data", "--config", "my.toml"]);
    assert!(
        message.contains("my.toml") && message.contains("lamda-u") && message.contains("line 2"),
        "{message}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf8_is_listed() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::with_images(6);
    let name = std::ffi::OsStr::from_bytes(b"\xff\xfe.png");
    std::fs::copy(folder.path("data/red/00.png"), folder.path("data/red").join(name)).unwrap();
    folder.train("out", &[]);
    let summary = json(&read(&folder.path("out/summary.json")));
    assert_eq!(summary["skipped_files"].as_array().unwrap().len(), 1, "{summary}");
}
