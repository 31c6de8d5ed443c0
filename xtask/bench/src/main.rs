//! `effmix-bench`: what `cargo xtask bench` measures of this project's crates, where the program `effmix` has no command for it.
//!
//! `effmix-bench prepare DIR` makes the files that every program is measured with; `effmix-bench JOB` does a job; `effmix-bench draw FILE
//! PANELS` draws curves.
#![allow(clippy::print_stdout, reason = "its output is its answer")]

mod chart;
mod dividemix_epoch;
mod loader;
mod mixture;
mod prepare;
mod roofline;
mod steps;
mod training_step;

use anyhow::{Context, Result};
use dividemix::memory::peak_rss_bytes;
use effmix_bench::{Answer, Timing};
use serde::Deserialize;
use std::path::Path;

/// As in the program: every operation allocates its result.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
struct Job {
    #[serde(flatten)]
    timing: Timing,
    #[serde(flatten)]
    work: Work,
}

#[derive(Deserialize)]
#[serde(tag = "work", rename_all = "lowercase")]
enum Work {
    Loader(loader::Loader),
    Mixture(mixture::Fit),
    DivideMix(dividemix_epoch::Epoch),
    Roofline(roofline::Roofline),
    Steps(steps::Steps),
}

/// As the program's: a backward pass is recursive in the depth of its graph.
const STACK_BYTES: usize = 8 << 20;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [prepare, folder] if prepare == "prepare" => prepare::prepare(Path::new(folder)),
        [draw, file, panels] if draw == "draw" => chart::draw(Path::new(file), panels),
        [job] => {
            let Job { timing, work } = serde_json::from_str(job).context("the job")?;
            let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES).num_threads(timing.threads);
            pool.build_global()?;
            // As the program does: on the pool, so that no operation has to wake it.
            let (per_second, found) = rayon::scope(|_| match work {
                Work::Loader(loader) => loader.measure(timing),
                Work::Mixture(fit) => fit.measure(timing),
                Work::DivideMix(epoch) => epoch.measure(timing),
                Work::Roofline(roofline) => roofline.measure(timing),
                Work::Steps(steps) => steps.measure(),
            })?;
            println!(
                "{}",
                serde_json::to_string(&Answer { per_second, peak_rss_bytes: peak_rss_bytes(), found })?
            );
            Ok(())
        }
        _ => anyhow::bail!(
            "`effmix-bench prepare DIR`, `effmix-bench draw FILE PANELS` or `effmix-bench JOB`, a JSON object; see `cargo xtask bench`"
        ),
    }
}
