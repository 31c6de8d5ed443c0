//! How a GPU's errors look, by the stub of the driver that `cargo xtask cuda-setup` makes: no GPU is needed.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::path::Path;
use std::process::Output;

use super::setup::{Folder, read, train_args};

/// The folder with the stub; without it, the tests are skipped.
fn stub() -> Option<String> {
    let stub = std::env::var("EFFMIX_CUDA_STUB").ok();
    if stub.is_none() {
        println!("skipped: needs the stub of the driver (EFFMIX_CUDA_STUB)");
    }
    stub
}

/// Runs the program where the stub is the driver, and behaves as these variables say.
fn on_the_stub(folder: &Folder, stub: &str, variables: &[(&str, &str)], args: &[&str]) -> Output {
    let others = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
    let mut command = folder.effmix(args);
    command.env("LD_LIBRARY_PATH", format!("{stub}:{others}"));
    command.envs(variables.iter().copied());
    command.output().unwrap()
}

/// Status and stderr.
fn said(output: &Output) -> (Option<i32>, String) {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!errors.contains("internal error") && !errors.contains("panicked"), "{errors}");
    (output.status.code(), errors)
}

/// A device that answers, and computes nothing.
const ANSWERS: (&str, &str) = ("EFFMIX_CUDA_ERROR", "0");

fn train_on(device: &str) -> Vec<&str> {
    [train_args("run"), vec!["--device", device]].concat()
}

/// Before any work: nothing is written.
#[test]
fn a_device_that_cannot_be_used_says_why_and_what_to_do() {
    let Some(stub) = stub() else { return };
    let folder = Folder::with_images(8);
    let reasons = [
        ("100", "finds no GPU"),
        ("34", "is a stub"),
        ("222", "older than the kernels"),
        ("209", "CUDA_COMPUTE_CAP"),
        ("803", "restart the machine"),
        ("2", "memory is full"),
        ("999", "unknown error (CUDA_ERROR_UNKNOWN)"),
    ];
    for (code, reason) in reasons {
        let output = on_the_stub(&folder, &stub, &[("EFFMIX_CUDA_ERROR", code)], &train_on("cuda:0"));
        let (status, errors) = said(&output);
        let is_whole = ["cuda:0: ", reason, "--device cpu"].iter().all(|part| errors.contains(part));
        assert!(status == Some(1) && is_whole, "{code}: {errors}");
        assert!(!folder.path("run").exists(), "{code}");
    }
    let (status, errors) = said(&on_the_stub(&folder, &stub, &[ANSWERS], &train_on("cuda:3")));
    assert!(
        status == Some(1) && errors.contains("cuda:3: ") && errors.contains("the only one is cuda:0"),
        "{errors}"
    );
}

/// `auto`: the CPU computes, and the line at the start says why.
#[test]
fn where_no_gpu_can_be_used_the_cpu_computes() {
    let Some(stub) = stub() else { return };
    let folder = Folder::with_images(8);
    let output = on_the_stub(&folder, &stub, &[("EFFMIX_CUDA_ERROR", "222")], &train_on("auto"));
    let (status, errors) = said(&output);
    assert_eq!(status, Some(0), "{errors}");
    let line = errors.lines().next().unwrap();
    assert!(line.starts_with("device     the CPU") && line.contains("older than the kernels"), "{errors}");
}

#[test]
fn without_a_driver_the_program_starts_and_says_that_there_is_none() {
    if Path::new("/proc/driver/nvidia/version").exists() {
        println!("skipped: there is a driver");
        return;
    }
    let folder = Folder::with_images(8);
    let without = |args: &[&str]| {
        let mut command = folder.effmix(args);
        for name in ["LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH"] {
            command.env_remove(name);
        }
        said(&command.output().unwrap())
    };
    let (status, errors) = without(&train_on("cuda:0"));
    let is_whole =
        ["libcuda.so.1", "install its driver", "--device cpu"].iter().all(|part| errors.contains(part));
    assert!(status == Some(1) && is_whole, "{errors}");
    assert_eq!(without(&["--version"]).0, Some(0));
}

#[test]
fn the_first_line_names_the_gpu_and_its_free_memory() {
    let Some(stub) = stub() else { return };
    let folder = Folder::with_images(8);
    let (status, errors) = said(&on_the_stub(&folder, &stub, &[ANSWERS], &train_on("auto")));
    assert_eq!(status, Some(0), "{errors}");
    let line = errors.lines().next().unwrap();
    assert!(line.starts_with("device     cuda:0, ") && line.ends_with(" free"), "{errors}");
    assert!(
        errors.lines().any(|line| line.starts_with("needs      about") && line.contains(" on the GPU")),
        "{errors}"
    );
    let config = String::from_utf8(read(&folder.path("run/config.toml"))).unwrap();
    assert!(config.contains("device = \"cuda:0\""), "{config}");
}

/// The measurement takes a few images; the batch does not fit, and the one that is named does: also where the batch is larger than the
/// images of half the set, which DivideMix takes it from.
#[test]
fn a_batch_that_does_not_fit_is_refused_with_one_that_does() {
    let Some(stub) = stub() else { return };
    let folder = Folder::with_images(24);
    let train = |megabytes: u64, batch: &str| {
        let args = [train_on("cuda:0"), vec!["--size", "32", "--epochs", "2", "--batch", batch]].concat();
        let memory = (megabytes << 20).to_string();
        said(&on_the_stub(&folder, &stub, &[ANSWERS, ("EFFMIX_CUDA_MEMORY", &memory)], &args))
    };
    for batch in ["24", "64"] {
        // Below, not even an evaluation has room.
        let tried = (40..400).step_by(20).map(|megabytes| (megabytes, train(megabytes, batch)));
        let mut refused = tried
            .filter(|(_, (_, errors))| errors.contains("a --batch of ") && errors.contains("not enough"));
        let (megabytes, (status, errors)) =
            refused.next().expect("a memory that is too small for the batch alone");
        assert!(status == Some(1) && errors.contains("on cuda:0"), "{errors}");
        let fits = errors.split_once("a --batch of ").and_then(|(_, rest)| rest.split_once(' ')).unwrap().0;
        assert!(fits.parse::<usize>().unwrap() < batch.parse().unwrap(), "{errors}");
        let (status, errors) = train(megabytes, fits);
        assert_eq!(status, Some(0), "{batch}, {fits}: {errors}");
        std::fs::remove_dir_all(folder.path("run")).unwrap();
    }
}

/// The device fails, or has no memory left, while the budget is measured and while weights are read.
#[test]
fn a_device_that_fails_before_the_training_is_explained_too() {
    let Some(stub) = stub() else { return };
    let folder = Folder::with_images(8);
    folder.train("run", &["--device", "cpu"]);
    let fails = |variable: (&str, &str), more: &str, part: &str| {
        let args = format!("train data --out new --batch 8 --size 16 --device cuda:0 {more}");
        let args: Vec<&str> = args.split(' ').collect();
        let (status, errors) = said(&on_the_stub(&folder, &stub, &[ANSWERS, variable], &args));
        let is_whole = ["cuda:0: ", part, "--device cpu"].iter().all(|part| errors.contains(part));
        assert!(status == Some(1) && is_whole && !errors.contains("DriverError"), "{variable:?}: {errors}");
        assert!(!folder.path("new").exists());
    };
    for launch in ["2", "3000"] {
        fails(
            ("EFFMIX_CUDA_FAIL_AT", launch),
            "--weights none --budget 60s",
            "the device failed: unspecified launch failure",
        );
    }
    let weights = "--weights run/model/net1.safetensors --freeze backbone";
    fails(("EFFMIX_CUDA_MEMORY", "20000"), weights, "no memory left");
    fails(("EFFMIX_CUDA_MEMORY", "300000"), "--weights none --budget 60s", "no memory left");
}

#[test]
fn a_device_without_memory_for_a_model_says_which_batch_to_try() {
    let Some(stub) = stub() else { return };
    let folder = Folder::with_images(8);
    folder.train("run", &["--device", "cpu"]);
    let bench = ["bench", "--size", "64", "--batch", "64", "--seconds", "0.1", "--device", "cuda:0"];
    let memory = ("EFFMIX_CUDA_MEMORY", "60000000");
    let (status, errors) = said(&on_the_stub(&folder, &stub, &[ANSWERS, memory], &bench));
    let is_whole = ["no memory left", "--batch of 32 (now 64)"].iter().all(|part| errors.contains(part));
    assert!(status == Some(1) && is_whole, "{errors}");

    let memory = ("EFFMIX_CUDA_MEMORY", "100000");
    let predict = ["predict", "run", "data/red/00.png", "--device", "cuda:0", "--out", "p.csv"];
    let (status, errors) = said(&on_the_stub(&folder, &stub, &[ANSWERS, memory], &predict));
    assert!(status == Some(1) && errors.contains("no memory left"), "{errors}");
    assert!(!folder.path("p.csv").exists());
}

/// The device fails in the second half of the training: the checkpoint stands, and the CPU goes on.
#[test]
fn a_device_that_is_lost_leaves_a_run_that_can_be_gone_on_with() {
    let Some(stub) = stub() else { return };
    let folder = Folder::with_images(8);
    let counts = folder.path("counts.json");
    let count = [ANSWERS, ("EFFMIX_CUDA_COUNTS", counts.to_str().unwrap())];
    let (status, errors) = said(&on_the_stub(&folder, &stub, &count, &train_on("cuda:0")));
    assert_eq!(status, Some(0), "{errors}");
    let counted: serde_json::Value = serde_json::from_slice(&read(&counts)).unwrap();
    let launches =
        |kind: &str| -> u64 { counted[kind].as_object().unwrap().values().filter_map(|n| n.as_u64()).sum() };
    let all = launches("launches") + launches("products");
    std::fs::remove_dir_all(folder.path("run")).unwrap();

    for code in ["719", "700"] {
        let lost =
            [ANSWERS, ("EFFMIX_CUDA_FAIL_CODE", code), ("EFFMIX_CUDA_FAIL_AT", &(all * 9 / 10).to_string())];
        let args = [train_on("cuda:0"), vec!["--force"]].concat();
        let (status, errors) = said(&on_the_stub(&folder, &stub, &lost, &args));
        assert!(status == Some(1) && errors.contains("the device failed"), "{errors}");
        assert!(
            errors.contains("effmix resume run goes on after epoch") && errors.contains("--device cpu"),
            "{errors}"
        );
        assert!(!folder.path("run/summary.json").exists());
        let checkpoints = std::fs::read_dir(folder.path("run/checkpoints")).unwrap().count();
        assert!(checkpoints > 0, "{errors}");

        let (status, errors) = said(&folder.output(&["resume", "run", "--device", "cpu"]));
        assert!(status == Some(0) && errors.contains("going on after epoch"), "{errors}");
        assert!(errors.contains("this run used cuda:0 so far, and goes on on cpu"), "{errors}");
    }
}

/// Every method, and what more takes its own way through the program: nothing mixes tensors of two devices. (What comes out is nothing:
/// the stub computes nothing.)
#[test]
fn every_way_through_the_program_keeps_to_the_device() {
    let Some(stub) = stub() else { return };
    let folder = Folder::with_images(8);
    folder.train("teacher", &["--device", "cpu"]);
    let succeeds = |args: &str| {
        let args: Vec<&str> = args.split(' ').chain(["--device", "cuda:0"]).collect();
        let (status, errors) = said(&on_the_stub(&folder, &stub, &[ANSWERS], &args));
        assert!(
            status == Some(0)
                && ["computing on cuda:0", "device     cuda:0"].iter().any(|line| errors.contains(line)),
            "{args:?}: {errors}"
        );
    };
    let train = |more: &str| succeeds(&format!("{} --force {more}", train_args("run").join(" ")));
    let methods =
        "dividemix ce smooth penalty mixup relabel joint reweight forward backward consistency entropy";
    for method in methods.split(' ') {
        train(&format!("--method {method}"));
    }
    train("--method distill --teacher teacher");
    train("--ema 0.9 --class-weights balanced --strong-view randaugment --lambda-u 25");
    train("--cache none --start-from teacher --backbone-lr 0.001");
    succeeds("evaluate run data");
    for tta in ["flip", "crops"] {
        succeeds(&format!(
            "predict run data --tta {tta} --logits {tta}.npy --embeddings {tta}-e.npy --cam {tta}"
        ));
    }
    let weights = "--weights teacher/model/net1.safetensors --freeze backbone --size 32";
    succeeds(&format!("train data --out frozen {weights} --epochs 2 --warmup 1 --batch 8"));
    succeeds("predict frozen data --out frozen.csv");
    succeeds("resume teacher --epochs 5");
    for mode in ["train", "predict"] {
        succeeds(&format!("bench --mode {mode} --size 32 --batch 2 --seconds 0"));
    }
    succeeds("train data --weights none --out budget --budget 60s --size 16");
}
