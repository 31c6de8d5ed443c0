//! A step taken apart: the time of each layer, beside the least that this machine needs for its arithmetic and its memory.
//!
//! | file | holds |
//! |---|---|
//! | `cost` | FLOP and bytes of each layer, counted |
//! | `machine` | what the machine makes of either in a second, measured |
//! | `training`, `inference` | the step, whole and layer by layer |

mod cost;
mod inference;
mod machine;
mod training;

use anyhow::Result;
use cost::Cost;
use effmix_bench::{Timing, median};
use effnet_model::Arch;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Instant;

/// Steps before the clock starts.
const UNTIMED: usize = 2;
/// Steps that are timed at least, whole and layer by layer.
const LEAST: usize = 3;

#[derive(Deserialize)]
pub(crate) struct Roofline {
    task: Step,
    arch: String,
    size: usize,
    batch: usize,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Step {
    Train,
    Predict,
}

/// What was found: seconds are medians.
#[derive(Serialize)]
struct Breakdown {
    /// FLOP a second of matrix products, all threads.
    flop_per_s: f64,
    /// Bytes a second to and from memory, all threads.
    bytes_per_s: f64,
    /// Of the step as it is.
    step_seconds: f64,
    layers: Vec<Layer>,
}

/// One pass through one layer.
#[derive(Serialize)]
struct Layer {
    name: String,
    pass: &'static str,
    seconds: f64,
    #[serde(flatten)]
    cost: Cost,
}

/// A step that can be done as it is, and layer by layer.
trait Parts {
    /// The passes, in the order in which [`Parts::apart`] goes through them: layer, pass, cost.
    fn passes(&self) -> Vec<(String, &'static str, Cost)>;

    fn whole(&mut self) -> Result<()>;

    fn apart(&mut self, clock: &mut Clock) -> Result<()>;
}

/// Seconds of one pass after the other.
#[derive(Default)]
struct Clock(Vec<f64>);

impl Clock {
    fn time<T>(&mut self, pass: impl FnOnce() -> Result<T>) -> Result<T> {
        let began = Instant::now();
        let result = pass()?;
        self.0.push(began.elapsed().as_secs_f64());
        Ok(result)
    }
}

impl Roofline {
    /// Images a second of the step, and its [`Breakdown`].
    pub(crate) fn measure(&self, timing: Timing) -> Result<(f64, Option<Value>)> {
        let arch = Arch::by_name(&self.arch)?.with_size(self.size);
        let (flop_per_s, bytes_per_s) =
            (machine::flop_per_second(&arch.plan()?)?, machine::bytes_per_second());
        let (step_seconds, layers) = match self.task {
            Step::Train => taken_apart(&mut training::Training::new(&arch, self.batch)?, timing)?,
            Step::Predict => taken_apart(&mut inference::Inference::new(&arch, self.batch)?, timing)?,
        };
        let found = Breakdown { flop_per_s, bytes_per_s, step_seconds, layers };
        Ok((self.batch as f64 / step_seconds, Some(serde_json::to_value(found)?)))
    }
}

/// Seconds of the step, and its passes. Whole steps and parts take turns, so that both meet the same machine.
fn taken_apart(step: &mut impl Parts, timing: Timing) -> Result<(f64, Vec<Layer>)> {
    let mut parts = Vec::new();
    let mut whole = Clock::default();
    let mut began = Instant::now();
    for turn in 0.. {
        let mut clock = Clock::default();
        whole.time(|| step.whole())?;
        step.apart(&mut clock)?;
        if turn < UNTIMED {
            (whole, began) = (Clock::default(), Instant::now());
            continue;
        }
        parts.push(clock.0);
        if parts.len() >= LEAST && began.elapsed().as_secs_f64() >= timing.seconds {
            break;
        }
    }
    let passes = step.passes().into_iter().enumerate().map(|(i, (name, pass, cost))| {
        let seconds = median(parts.iter().map(|part| part[i]).collect());
        Layer { name, pass, seconds, cost }
    });
    Ok((median(whole.0), passes.collect()))
}

/// Stage and block of each block, both counted from 0.
fn blocks(arch: &Arch) -> Result<Vec<(usize, usize)>> {
    let stages = arch.plan()?.stages;
    let of_stage = |(stage, blocks): (usize, &Vec<_>)| (0..blocks.len()).map(move |block| (stage, block));
    Ok(stages.iter().enumerate().flat_map(of_stage).collect())
}
