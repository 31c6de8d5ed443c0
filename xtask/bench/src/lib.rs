//! What the programs of the benchmark share: the job, the clock, the answer.
//!
//! A program gets one JSON object as its argument and prints one, as xtask/bench/peers.py does for its peers.

use serde::{Deserialize, Serialize};
use std::time::Instant;

/// What a program answers.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// What the work counts, by the median of what was timed.
    pub per_second: f64,
    /// The most memory that the process had.
    pub peak_rss_bytes: Option<u64>,
    /// What was found, to be compared with a peer's.
    pub found: Option<serde_json::Value>,
}

/// How a job is timed; part of every job.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Timing {
    /// Of the pool that computes.
    pub threads: usize,
    /// For about how long.
    pub seconds: f64,
}

/// Median seconds of `step`, run for about as long as `timing` says and `least` times at least.
///
/// # Errors
/// Those of `step`.
pub fn median_seconds(
    timing: Timing,
    least: usize,
    mut step: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let mut seconds = Vec::new();
    let began = Instant::now();
    while seconds.len() < least.max(1) || began.elapsed().as_secs_f64() < timing.seconds {
        let step_began = Instant::now();
        step()?;
        seconds.push(step_began.elapsed().as_secs_f64());
    }
    Ok(median(seconds))
}

/// The value in the middle, the upper one of two; NaN of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The project's README, whose example is run here: this package knows all that it names, and is not published, so the file may lie
/// outside of its folder.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ProjectReadme;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_of_the_sorted() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![1.0, 2.0]), 2.0);
        assert!(median(vec![]).is_nan());
    }
}
