//! The CPU matrix: each crate alone, with each set of features, with one and two threads, on each kernel level.

use super::testing::{self, Selection};
use super::{Context, alone};
use anyhow::Result;

/// Crates with kernels below them, whose tests look closely at numbers. The kernels are chosen at run time, so that
/// one build serves all levels. (The program stands on the same kernels; its tests look at files and messages.)
const ON_KERNELS: [&str; 3] = ["effnet-ops", "effnet-model", "dividemix"];

/// The variable by which rayon is told how many threads to use, and what it is told.
const RAYON: &str = "RAYON_NUM_THREADS";
const THREADS: [&str; 2] = ["1", "2"];

/// The variable by which effnet-ops is told which kernels to use.
const LEVEL: &str = "EFFNET_OPS_LEVEL";

/// Kernel levels by name, slowest first, and whether this processor has them.
fn levels() -> Vec<(&'static str, bool)> {
    #[cfg(target_arch = "x86_64")]
    let (avx2, avx512) = (
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
        is_x86_feature_detected!("avx512f"),
    );
    #[cfg(not(target_arch = "x86_64"))]
    let (avx2, avx512) = (false, false);
    vec![("portable", true), ("avx2", avx2), ("avx512", avx512)]
}

pub(super) fn run(c: &mut Context) -> Result<()> {
    alone::run(c)?;
    threads_and_levels(c)
}

/// All crates on the fastest level, those on kernels on each other one too.
fn threads_and_levels(c: &mut Context) -> Result<()> {
    let fastest = levels().into_iter().filter(|(_, there)| *there).map(|(level, _)| level).next_back();
    // As many threads rayon starts where nothing is said.
    let processors = std::thread::available_parallelism().map_or(0, usize::from).to_string();
    for (level, there) in levels() {
        if !there {
            c.report.skipped(&format!("kernels {level}"), "this processor has no such instructions");
            continue;
        }
        let which = if Some(level) == fastest {
            c.workspace.crates().map(|p| p.name.clone()).collect()
        } else {
            ON_KERNELS.map(str::to_owned).to_vec()
        };
        let which = Selection::of(which);
        for threads in THREADS {
            let part = format!("kernels {level}, threads {threads}");
            if Some(level) == fastest && threads == processors {
                c.report.skipped(&part, "what the step `tests` runs on this machine");
                continue;
            }
            testing::run(c, &part, &which, &[(RAYON, threads), (LEVEL, level)])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn the_crates_on_kernels_exist() {
        let workspace = Workspace::read().unwrap();
        for name in ON_KERNELS {
            assert!(workspace.crates().any(|p| p.name == name), "{name}");
        }
    }

    #[test]
    fn the_portable_kernels_run_on_any_processor() {
        assert_eq!(levels()[0], ("portable", true));
    }
}
