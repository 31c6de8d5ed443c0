//! The tests on each kernel level, with one and with two threads.
//!
//! A level alone and a number of threads alone find nearly every mistake, so the rows `portable`, `avx2` and `avx512` take each
//! once; the whole product takes many times as long, and is for `cargo xtask ci --deep`.

use super::Context;
use super::testing::{self, Selection};
use anyhow::Result;

/// Crates with kernels below them, whose tests look closely at numbers. The kernels are chosen at run time, so that
/// one build serves all levels. (The program stands on the same kernels; its tests look at files and messages.)
const ON_KERNELS: [&str; 3] = ["effnet-ops", "effnet-model", "dividemix"];

/// The variable by which rayon is told how many threads to use, and what it is told.
const RAYON: &str = "RAYON_NUM_THREADS";
const THREADS: [&str; 2] = ["1", "2"];

/// The variable by which effnet-ops is told which kernels to use.
const LEVEL: &str = "EFFNET_OPS_LEVEL";

/// Kernel levels by name.
const PORTABLE: &str = "portable";
const AVX2: &str = "avx2";
const AVX512: &str = "avx512";

/// The levels, slowest first, and whether this processor has them.
fn levels() -> Vec<(&'static str, bool)> {
    #[cfg(target_arch = "x86_64")]
    let (avx2, avx512) = (
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
        is_x86_feature_detected!("avx512f"),
    );
    #[cfg(not(target_arch = "x86_64"))]
    let (avx2, avx512) = (false, false);
    vec![(PORTABLE, true), (AVX2, avx2), (AVX512, avx512)]
}

/// A kernel level with a number of threads.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Combination {
    level: &'static str,
    threads: &'static str,
    /// Whether this processor has the level.
    is_there: bool,
    /// The fastest level is what users have: all crates are tested on it, those on kernels on each other one too.
    is_fastest: bool,
}

impl Combination {
    fn all(levels: &[(&'static str, bool)]) -> Vec<Self> {
        let fastest = levels.iter().rfind(|(_, is_there)| *is_there).map(|(level, _)| *level);
        let of = |&(level, is_there): &(&'static str, bool)| {
            let is_fastest = Some(level) == fastest;
            THREADS.map(|threads| Self { level, threads, is_there, is_fastest })
        };
        levels.iter().flat_map(of).collect()
    }

    /// Each slower level once, with the numbers of threads in turn. The fastest is what the row `tests` runs.
    fn few(all: &[Self]) -> Vec<Self> {
        let slower = all.iter().filter(|one| !one.is_fastest);
        let by_level: Vec<&Self> = slower.collect();
        let in_turn = by_level.chunks(THREADS.len()).zip((0..THREADS.len()).cycle());
        in_turn.map(|(of_level, place)| *of_level[place]).collect()
    }
}

pub(super) fn portable(c: &mut Context) -> Result<()> {
    one_level(c, PORTABLE)
}

pub(super) fn avx2(c: &mut Context) -> Result<()> {
    one_level(c, AVX2)
}

pub(super) fn avx512(c: &mut Context) -> Result<()> {
    one_level(c, AVX512)
}

/// Runs the tests on a kernel level with one number of threads, unless the row `tests` has run them.
fn one_level(c: &mut Context, level: &str) -> Result<()> {
    let few = Combination::few(&Combination::all(&levels()));
    let chosen: Vec<Combination> = few.into_iter().filter(|one| one.level == level).collect();
    if chosen.is_empty() {
        c.report.skipped("", "this processor's fastest, which the row `tests` runs");
    }
    run(c, &chosen)
}

/// All that the rows `tests`, `portable`, `avx2` and `avx512` leave out.
pub(super) fn matrix(c: &mut Context) -> Result<()> {
    let all = Combination::all(&levels());
    let few = Combination::few(&all);
    let rest: Vec<Combination> = all.into_iter().filter(|one| !few.contains(one)).collect();
    run(c, &rest)
}

fn run(c: &mut Context, combinations: &[Combination]) -> Result<()> {
    // As many threads rayon starts where nothing is said.
    let processors = std::thread::available_parallelism().map_or(0, usize::from).to_string();
    for &Combination { level, threads, is_there, is_fastest } in combinations {
        let part = format!("kernels {level}, threads {threads}");
        if !is_there {
            c.report.skipped(&part, "this processor has no such instructions");
        } else if is_fastest && threads == processors {
            c.report.skipped(&part, "what the row `tests` runs on this machine");
        } else {
            let which = if is_fastest {
                c.workspace.crates().map(|p| p.name.clone()).collect()
            } else {
                ON_KERNELS.map(str::to_owned).to_vec()
            };
            testing::run(c, &part, &Selection::of(which), &[(RAYON, threads), (LEVEL, level)])?;
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
    fn the_short_rows_have_each_slower_level_once_and_both_numbers_of_threads() {
        let all = Combination::all(&[("portable", true), ("avx2", true), ("avx512", true)]);
        let few: Vec<_> = Combination::few(&all).iter().map(|one| (one.level, one.threads)).collect();
        assert_eq!(few, [("portable", "1"), ("avx2", "2")]);
        assert_eq!(all.len(), 6);
    }

    #[test]
    fn a_level_that_the_processor_lacks_is_told_and_is_not_the_fastest() {
        let all = Combination::all(&[("portable", true), ("avx2", true), ("avx512", false)]);
        let fastest: Vec<&str> = all.iter().filter(|one| one.is_fastest).map(|one| one.level).collect();
        assert_eq!(fastest, ["avx2", "avx2"]);
        let few: Vec<&str> = Combination::few(&all).iter().map(|one| one.level).collect();
        assert_eq!(few, ["portable", "avx512"]);
    }

    #[test]
    fn the_portable_kernels_run_on_any_processor() {
        assert_eq!(levels()[0], ("portable", true));
    }
}
