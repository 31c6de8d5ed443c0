//! What computes: `--device`, and how a device's errors look.

use super::setup::{Folder, read, train_args};

/// Calls of the commands that compute, on a device.
fn calls(device: &str) -> [Vec<&str>; 4] {
    let mut train = train_args("new");
    train.extend(["--device", device]);
    [
        train,
        vec!["predict", "run", "data/red/00.png", "--device", device],
        vec!["evaluate", "run", "data", "--device", device],
        vec!["bench", "--arch", "b0", "--size", "32", "--batch", "2", "--seconds", "0.1", "--device", device],
    ]
}

fn with_run() -> Folder {
    let folder = Folder::with_images(8);
    folder.train("run", &[]);
    folder
}

#[test]
fn the_first_line_says_what_computes_and_the_run_keeps_it() {
    let folder = Folder::with_images(8);
    let output = folder.output(&[train_args("run"), vec!["--threads", "1"]].concat());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.starts_with("device     the CPU, 1 thread"), "{errors}");
    let config = String::from_utf8(read(&folder.path("run/config.toml"))).unwrap();
    assert!(config.lines().any(|line| line == "device = \"cpu\""), "{config}");

    let output = folder.output(&["evaluate", "run", "data", "--device", "cpu"]);
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("computing on the CPU"));
    let args = ["bench", "--size", "32", "--batch", "2", "--seconds", "0.1", "--json", "--mode", "predict"];
    assert!(folder.run(&args).contains("\"device\": \"cpu\""));
}

#[test]
fn another_name_is_no_device() {
    let folder = with_run();
    for call in calls("gpu") {
        let message = folder.fails(2, &call);
        assert!(message.contains("--device") && message.contains("auto, cpu, or cuda:0"), "{message}");
    }
    let message = folder.fails(2, &["resume", "run", "--device", "cuda:x"]);
    assert!(message.contains("auto, cpu, or cuda:0"), "{message}");
    folder.put("own.toml", "data = \"data\"\ndevice = \"gpu\"\n");
    let message = folder.fails(1, &["train", "--config", "own.toml"]);
    assert!(
        message.contains("own.toml") && message.contains("line 2") && message.contains("cuda:0"),
        "{message}"
    );
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_build_without_cuda_says_how_to_get_one() {
    let folder = with_run();
    for call in calls("cuda:0") {
        let message = folder.fails(2, &call);
        let is_whole = ["--device: cuda:0", "without CUDA", "--features cuda", "--device cpu"]
            .iter()
            .all(|part| message.contains(part));
        assert!(is_whole, "{message}");
    }
    assert!(!folder.path("new").exists());
}

/// A run that a GPU began goes on on the CPU where there is none, and says that it is no longer the same to the bit.
#[test]
fn a_run_of_a_gpu_goes_on_on_the_cpu() {
    let folder = with_run();
    let config = String::from_utf8(read(&folder.path("run/config.toml"))).unwrap();
    folder.put("run/config.toml", config.replace("device = \"cpu\"", "device = \"cuda:0\""));
    let resume = |more: &[&str]| {
        let output = folder.output(&[&["resume", "run", "--epochs"], more].concat());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (status, errors) = resume(&["4"]);
    assert_eq!(status, Some(0), "{errors}");
    let said = "this run used cuda:0 so far, and goes on on cpu";
    assert!(errors.contains("warning: ") && errors.contains(said) && errors.contains("slightly"), "{errors}");
    let config = String::from_utf8(read(&folder.path("run/config.toml"))).unwrap();
    assert!(config.contains("device = \"cpu\""), "{config}");

    let (status, errors) = resume(&["5"]);
    assert!(status == Some(0) && !errors.contains("so far"), "it is a run of the CPU now: {errors}");
}

/// A GPU that was asked for is not replaced.
#[test]
fn a_run_does_not_go_on_on_another_device_than_was_asked_for() {
    let folder = with_run();
    let before = read(&folder.path("run/config.toml"));
    let output = folder.output(&["resume", "run", "--epochs", "9", "--device", "cuda:0"]);
    assert!(!output.status.success());
    assert_eq!(read(&folder.path("run/config.toml")), before);
    assert!(folder.path("run/summary.json").exists());
}

/// A search computes on the device that was named, and says which.
#[test]
fn a_search_takes_the_device_too() {
    let folder = Folder::with_images(8);
    let search = |device| {
        let args = "scale search data --candidates 2 --halvings 0 --phi -6 --epochs 1 --warmup 1 --batch 8";
        let mut args: Vec<&str> = args.split(' ').collect();
        args.extend(["--out", "found", "--device", device]);
        folder.output(&args)
    };
    let refused = search("cuda:0");
    assert!(!refused.status.success() && !folder.path("found").exists());
    let output = search("cpu");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && errors.starts_with("computing on the CPU"), "{errors}");
}
