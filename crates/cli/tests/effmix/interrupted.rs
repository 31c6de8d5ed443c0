//! A run that is interrupted goes on to the same bytes as one left alone.

use super::repeatable::assert_same;
#[cfg(unix)]
use super::setup::train_args;
use super::setup::{Folder, read};

#[cfg(unix)]
#[test]
fn a_run_stopped_by_a_signal_says_how_to_go_on_and_ends_with_the_same_bytes() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let folder = Folder::with_images(12);
        let long = |out| -> Vec<&str> {
            let epochs = |arg| if arg == "3" { "6" } else { arg };
            train_args(out).into_iter().map(epochs).collect()
        };
        folder.run(&long("whole"));
        // As soon as the first epoch's state is on the disk.
        let first = "stopped/checkpoints/epoch-0001.safetensors";
        let (ended, stderr) = folder.stopped(&long("stopped"), signal, first);
        assert_eq!(ended, Some(status), "{stderr}");
        assert!(stderr.contains("effmix resume stopped"), "{stderr}");
        assert!(!folder.path("stopped/summary.json").exists());
        folder.run(&["resume", "stopped"]);
        assert_same(&folder, "whole", "stopped");
    }
}

#[test]
fn a_run_without_a_checkpoint_starts_over() {
    let folder = Folder::with_images(8);
    folder.train("whole", &[]);
    std::fs::create_dir(folder.path("cut")).unwrap();
    std::fs::copy(folder.path("whole/config.toml"), folder.path("cut/config.toml")).unwrap();
    folder.put("cut/metrics.jsonl", "{\"epoch\":1,\"phase\":\"warm");
    folder.run(&["resume", "cut"]);
    assert_same(&folder, "whole", "cut");
}

#[test]
fn a_finished_run_says_so_and_more_epochs_make_it_longer() {
    let folder = Folder::with_images(8);
    folder.train("out", &["--schedule", "constant"]);
    let before = read(&folder.path("out/summary.json"));
    let output = folder.output(&["resume", "out"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("done already"));
    assert_eq!(read(&folder.path("out/summary.json")), before);

    let message = folder.fails(2, &["resume", "out", "--epochs", "2"]);
    assert!(message.contains("--epochs"), "{message}");
    folder.run(&["resume", "out", "--epochs", "5"]);
    let metrics = String::from_utf8(read(&folder.path("out/metrics.jsonl"))).unwrap();
    assert_eq!(metrics.lines().count(), 5 * 2);
}

#[test]
fn a_folder_that_is_no_run_is_not_gone_on_with() {
    let folder = Folder::with_images(4);
    let message = folder.fails(1, &["resume", "data"]);
    assert!(message.contains("data") && message.contains("config.toml"), "{message}");
}
