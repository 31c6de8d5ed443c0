//! How many kernels B0 launches on a GPU: most launches of a small batch take longer than their kernels.
//!
//! The count is that of a stub of the driver (`cargo xtask cuda-setup`), which computes nothing, so that it needs no GPU. The work is done
//! by a process of its own, whose loader finds the stub.

#![cfg(all(feature = "cuda", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![allow(
    clippy::print_stdout,
    reason = "the counts are what the test is for; and a test that is skipped says so"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use effnet_model::candle::{DType, Device, Tensor, Var};
use effnet_model::{Arch, EfficientNet, Mode, ParameterStore};
use effnet_ops::Padding;
use serde_json::Value;

/// The folder with the stub.
const STUB: &str = "EFFMIX_CUDA_STUB";

/// What the process shall do, and how often.
const WORK: &str = "EFFMIX_LAUNCHES_OF";

/// The most launches and matrix products of one piece of work, as they were on 2026-11-29: docs/cuda.md has the numbers. The convolutions are those of
/// 3 x 3 and 5 x 5 taps with their gradients, of which B0 has 7 and 9.
const MOST: [(&str, i64); 4] =
    [("train", 12134), ("evaluate", 1265), ("depthwise-3", 206), ("depthwise-5", 538)];

#[test]
fn launches_of_a_training_step_and_of_an_evaluation_of_b0() {
    if let Ok(work) = std::env::var(WORK) {
        let (what, times) = work.split_once(' ').unwrap();
        return run(what, times.parse().unwrap());
    }
    let Ok(stub) = std::env::var(STUB) else {
        println!("skipped: needs the stub of the driver (EFFMIX_CUDA_STUB)");
        return;
    };
    for (what, most) in MOST {
        // What is there once, as the network itself, is in both.
        let counts = difference(&counts(&stub, what, 2), &counts(&stub, what, 1));
        let total: i64 = counts.iter().filter(|(name, _)| is_launch(name)).map(|(_, count)| count).sum();
        println!("\n{what}: {total} launches and matrix products");
        let mut lines: Vec<_> = counts.into_iter().filter(|(_, count)| *count != 0).collect();
        lines.sort_by_key(|(_, count)| -count);
        for (name, count) in lines {
            println!("{count:10}  {name}");
        }
        assert!(total > 0 && total <= most, "{total} launches, at most {most} are expected");
    }
}

/// Does some work with B0 on the device.
fn run(what: &str, times: usize) {
    let device = Device::new_cuda(0).unwrap();
    if let Some(taps) = what.strip_prefix("depthwise-") {
        return depthwise_conv(taps.parse().unwrap(), times, &device);
    }
    let arch = Arch::by_name("b0").unwrap().with_size(32);
    let store = ParameterStore::new(1, &device);
    let network = EfficientNet::new(&arch, 10, store.var_builder()).unwrap();
    let images = Tensor::zeros((2, 32, 32, 3), DType::F32, &device).unwrap();
    let labels = Tensor::new(&[1u32, 2], &device).unwrap();
    if what == "evaluate" {
        let evaluator = network.evaluator().unwrap();
        for _ in 0..times {
            evaluator.logits(&images).unwrap();
        }
        return;
    }
    let variables: Vec<Var> = store.trainable().into_iter().map(|(_, var)| var).collect();
    let zeros = |var: &Var| Var::zeros(var.shape(), DType::F32, &device).unwrap();
    let velocities: Vec<Var> = variables.iter().map(zeros).collect();
    for seed in 0..times {
        let logits = network.forward_t(&images, Mode::Train { seed: seed as u64 }).unwrap();
        let gradients = candle_nn::loss::cross_entropy(&logits, &labels).unwrap().backward().unwrap();
        for (variable, velocity) in variables.iter().zip(&velocities) {
            sgd(variable, velocity, gradients.get(variable).unwrap());
        }
    }
}

/// A convolution and the gradients of its image and its filter.
fn depthwise_conv(taps: usize, times: usize, device: &Device) {
    let x = Var::zeros((2, 8, 8, 16), DType::F32, device).unwrap();
    let w = Var::zeros((16, 1, taps, taps), DType::F32, device).unwrap();
    for _ in 0..times {
        let y = effnet_ops::depthwise_conv(&x, &w, 1, Padding::Symmetric).unwrap();
        y.backward().unwrap();
    }
}

/// As `dividemix` does it off the CPU.
fn sgd(variable: &Var, velocity: &Var, gradient: &Tensor) {
    let (p, v) = (variable.as_detached_tensor(), velocity.as_detached_tensor());
    let g = (gradient.detach() + (&p * 5e-4).unwrap()).unwrap();
    let v = ((v * 0.9).unwrap() + g).unwrap();
    velocity.set(&v).unwrap();
    variable.set(&(p - (v * 0.02).unwrap()).unwrap()).unwrap();
}

/// What the stub counts of a process: launches by kernel, matrix products by function, copies and allocations.
fn counts(stub: &str, what: &str, times: usize) -> BTreeMap<String, i64> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("counts.json");
    let others = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
    let done = Command::new(std::env::current_exe().unwrap())
        .env("LD_LIBRARY_PATH", format!("{stub}:{others}"))
        .env("EFFMIX_CUDA_ERROR", "0")
        .env("EFFMIX_CUDA_COUNTS", &path)
        .env(WORK, format!("{what} {times}"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    read(&path)
}

/// The numbers of the file, each by the names that lead to it.
fn read(path: &Path) -> BTreeMap<String, i64> {
    let whole: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut all = BTreeMap::new();
    for (kind, group) in whole.as_object().unwrap() {
        for (name, count) in group.as_object().unwrap() {
            all.insert(format!("{kind} {name}"), count.as_i64().unwrap());
        }
    }
    all
}

fn is_launch(name: &str) -> bool {
    name.starts_with("launches ") || name.starts_with("products ")
}

fn difference(more: &BTreeMap<String, i64>, less: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    more.iter().map(|(name, count)| (name.clone(), count - less.get(name).unwrap_or(&0))).collect()
}
