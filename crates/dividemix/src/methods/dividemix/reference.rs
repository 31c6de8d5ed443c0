//! Algorithm 1 as a whole, held against an independent PyTorch program: xtask/golden/divide_mix_step.py,
//! whose head says what it pins down.
//!
//! The loop runs as it does for anybody: `Training` with two networks and a source of views. All that is
//! compared is observed from outside: the test's network records its logits and gradients, the observer
//! records losses and weights after each step.

mod draws;
mod mlp;
mod run;
mod targets;

use std::collections::BTreeMap;

use candle_core::Device;
use serde::Deserialize;

use crate::Losses;
use crate::stream::splitmix64;
use run::{Step, run};

const SAMPLES: usize = 24;
const FEATURES: usize = 3;
const CLASSES: usize = 3;

/// In the first case lambda_u rises towards 25 over two epochs; in the second it is 0 in one epoch.
const CASES: [Case; 2] =
    [Case { name: "ramp", lambda_u: 25.0, epochs: 3 }, Case { name: "zero", lambda_u: 0.0, epochs: 2 }];

/// Values by the name of their parameter or running statistic.
type Named<T> = BTreeMap<String, Vec<T>>;

struct Case {
    name: &'static str,
    lambda_u: f64,
    /// Number of epochs, the warm-up epoch included.
    epochs: usize,
}

#[derive(Deserialize)]
struct Golden {
    cases: Vec<GoldenCase>,
}

#[derive(Deserialize)]
struct GoldenCase {
    case: String,
    passes: Vec<GoldenPass>,
}

/// One network in one epoch after warm-up, both counted from 0.
#[derive(Deserialize)]
struct GoldenPass {
    epoch: usize,
    network: usize,
    /// Means of the mixture that divided the samples for this network.
    mixture_means: [f64; 2],
    steps: Vec<GoldenStep>,
}

#[derive(Deserialize)]
struct GoldenStep {
    /// Number of rows of the mixed batch that are labeled. They come first.
    labeled_rows: usize,
    /// Mixed targets `[rows, classes]`.
    targets: Vec<f64>,
    #[serde(rename = "L_X")]
    loss_x: f64,
    #[serde(rename = "L_U")]
    loss_u: f64,
    #[serde(rename = "L_reg")]
    loss_reg: f64,
    /// Weight of L_U in this step.
    lambda_u: f64,
    gradients: Named<f64>,
    /// Weights and running statistics after the step.
    after: Named<f64>,
}

#[test]
fn each_step_is_that_of_an_independent_program() {
    assert_steps(&Device::Cpu);
}

/// With `EFFMIX_TEST_DEVICE=cpu` it computes on the CPU.
#[test]
fn each_step_on_a_gpu_is_that_of_an_independent_program() {
    let on_cpu = std::env::var("EFFMIX_TEST_DEVICE").is_ok_and(|device| device == "cpu");
    match if on_cpu { Ok(Device::Cpu) } else { Device::new_cuda(0) } {
        Ok(device) => assert_steps(&device),
        Err(_) => println!("skipped: needs a GPU"),
    }
}

/// Holds every step of both cases on a device against the reference.
fn assert_steps(device: &Device) {
    let golden: Golden =
        serde_json::from_str(include_str!("../../../tests/golden/divide_mix_step.json")).unwrap();
    assert_eq!(golden.cases.len(), CASES.len());
    for (case, golden) in CASES.iter().zip(&golden.cases) {
        assert_eq!(case.name, golden.case);
        let run = run(case, device);
        let warm_up = 2;
        assert_eq!(run.passes.len(), warm_up + golden.passes.len(), "passes of {}", case.name);
        for golden in &golden.passes {
            let pass = &run.passes[&(golden.epoch, golden.network)];
            let of = format!("{}, epoch {}, network {}", case.name, golden.epoch, golden.network);
            let means = pass.mixture_means.unwrap();
            assert_close(&format!("{of}, means of the mixture"), means, &golden.mixture_means);
            assert_eq!(pass.steps.len(), golden.steps.len(), "steps of {of}");
            for (number, (step, golden)) in pass.steps.iter().zip(&golden.steps).enumerate() {
                assert_step(&format!("{of}, step {number}"), step, golden);
            }
        }
    }
}

fn assert_step(of: &str, step: &Step, golden: &GoldenStep) {
    let Losses { loss_x, loss_u, loss_reg } = step.losses;
    let losses = [loss_x, loss_u, loss_reg].map(Option::unwrap);
    assert_close(&format!("{of}, L_X, L_U, L_reg"), losses, &[golden.loss_x, golden.loss_u, golden.loss_reg]);
    assert_eq!(step.recorded.logits.len(), golden.targets.len(), "logits of {of}");
    let targets = targets::of(&step.recorded, golden.labeled_rows, golden.lambda_u);
    assert_close(&format!("{of}, targets"), targets.iter().copied(), &golden.targets[..targets.len()]);
    assert_named_close(&format!("{of}, gradient"), &step.recorded.gradients, &golden.gradients);
    assert_named_close(&format!("{of}, afterwards"), &step.after, &golden.after);
}

fn assert_named_close(what: &str, values: &Named<f32>, golden: &Named<f64>) {
    assert!(values.keys().eq(golden.keys()), "{what}: names");
    for (name, golden) in golden {
        assert_close(&format!("{what}, {name}"), values[name].iter().copied().map(f64::from), golden);
    }
}

/// The loop calculates in f32, which holds numbers of order one to 6e-8; the reference calculates in f64.
/// Over the 14 steps of each network the largest difference grows to 1.2e-6 in the targets, for which a
/// gradient is divided by probabilities, and to 6e-7 elsewhere.
const TOLERANCE: f64 = 5e-6;

fn assert_close(what: &str, values: impl IntoIterator<Item = f64>, golden: &[f64]) {
    let values: Vec<f64> = values.into_iter().collect();
    assert_eq!(values.len(), golden.len(), "{what}: number of values");
    for (index, (value, golden)) in values.iter().zip(golden).enumerate() {
        assert!((value - golden).abs() <= TOLERANCE, "{what}, value {index}: {value}, reference {golden}");
    }
}

#[test]
fn the_independent_program_was_given_what_the_streams_draw() {
    let given = include_str!("../../../tests/golden/divide_mix_draws.jsonl");
    let drawn: Vec<String> = CASES.iter().flat_map(|case| run(case, &Device::Cpu).draws).collect();
    assert!(
        given.lines().eq(&drawn),
        "divide_mix_draws.jsonl is out of date; write these lines to it and run `cargo xtask golden`:\n{}",
        drawn.join("\n")
    );
}

/// `u(name, i)` of xtask/golden/tensors.py, in [-1, 1), for the first `count` values of i.
fn u(name: &str, count: usize) -> Vec<f64> {
    let start =
        name.bytes().fold(0xCBF2_9CE4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3));
    let bits = (0..count as u64).map(|i| splitmix64(start.wrapping_add(i)) >> 11);
    bits.map(|bits| bits as f64 / (1u64 << 52) as f64 - 1.0).collect()
}
