//! So many training steps: whether the memory of a process grows with them.

use crate::training_step::TrainingStep;
use anyhow::{Result, ensure};
use effmix_bench::median;
use effnet_model::Arch;
use serde::Deserialize;
use serde_json::Value;
use std::time::Instant;

#[derive(Deserialize)]
pub(crate) struct Steps {
    arch: String,
    size: usize,
    batch: usize,
    steps: usize,
}

impl Steps {
    /// Images a second by the median step; the process' peak is of all of them.
    pub(crate) fn measure(&self) -> Result<(f64, Option<Value>)> {
        ensure!(self.steps > 0, "a step is needed");
        let mut training = TrainingStep::new(&Arch::by_name(&self.arch)?.with_size(self.size), self.batch)?;
        let seconds = (0..self.steps).map(|_| {
            let began = Instant::now();
            training.step()?;
            Ok(began.elapsed().as_secs_f64())
        });
        Ok((self.batch as f64 / median(seconds.collect::<Result<_>>()?), None))
    }
}
