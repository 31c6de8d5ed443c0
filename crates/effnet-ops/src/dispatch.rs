//! Which instruction set the kernels use: chosen when the program runs, so that one binary is
//! right on every processor and fast on new ones.
//!
//! A kernel is written once, generic over the crate's small vector trait, and compiled for each
//! [`Level`]. The level is read where an operation starts and carried into its parallel tasks, so
//! all of one operation runs at one level. Levels round differently (a fused multiply-add rounds
//! once), so results are equal between them only to rounding; at one level they have the same bits
//! for any number of threads. The matrix products come from the `gemm` crate, which chooses by the
//! processor alone.
//!
//! The environment variable `EFFNET_OPS_LEVEL` (`portable`, `avx2`, `avx512`) forces a level.

use std::cell::Cell;
use std::sync::OnceLock;

use crate::Error;
use crate::denormals::flushed;
use crate::simd::{Portable, Simd};

/// An instruction set that the kernels are compiled for, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// What every processor of the target has (SSE2 on x86-64, NEON on aarch64).
    Portable,
    /// x86-64 with AVX2 and FMA: 8 lanes.
    Avx2,
    /// x86-64 with AVX-512F: 16 lanes.
    Avx512,
}

impl Level {
    const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The word for this level in `EFFNET_OPS_LEVEL`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }
}

/// The levels this processor can run, lowest first; never empty.
pub fn available() -> Vec<Level> {
    Level::ALL.into_iter().filter(|level| level.is_available()).collect()
}

thread_local! {
    static FORCED: Cell<Option<Level>> = const { Cell::new(None) };
}

/// The level in use on this thread: that of [`with_level`], else that of `EFFNET_OPS_LEVEL`, else
/// the highest [`available`]. The environment is read once a process; a word in it that is unknown
/// or names a level the processor lacks gives one warning on stderr and the highest level.
pub fn level() -> Level {
    FORCED.get().unwrap_or_else(process_level)
}

/// Runs `f` with every operation that it calls on this thread at `level`.
///
/// # Errors
/// [`Error::Level`] if this processor cannot run the level; `f` is not called then.
pub fn with_level<T>(level: Level, f: impl FnOnce() -> T) -> Result<T, Error> {
    struct Restore(Option<Level>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    if !level.is_available() {
        return Err(unavailable(level));
    }
    let _restore = Restore(FORCED.replace(Some(level)));
    Ok(f())
}

fn process_level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let (level, warning) = choose(std::env::var("EFFNET_OPS_LEVEL").ok().as_deref());
        if let Some(warning) = warning {
            #[allow(clippy::print_stderr, reason = "once a process, and there is no caller to return it to")]
            {
                eprintln!("warning: EFFNET_OPS_LEVEL: {warning}; using {}", level.name());
            }
        }
        level
    })
}

/// The level for the environment's word, and what is wrong with the word if anything is.
fn choose(word: Option<&str>) -> (Level, Option<String>) {
    let highest = available().into_iter().max().unwrap_or(Level::Portable);
    let Some(word) = word.map(str::trim).filter(|word| !word.is_empty()) else {
        return (highest, None);
    };
    match Level::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(word)) {
        Some(level) if level.is_available() => (level, None),
        Some(level) => (highest, Some(unavailable(level).to_string())),
        None => (highest, Some(format!("'{word}' is no level (portable, avx2, avx512)"))),
    }
}

fn unavailable(level: Level) -> Error {
    let names: Vec<&str> = available().into_iter().map(Level::name).collect();
    Error::Level { level: level.name(), available: names.join(", ") }
}

/// A piece of work to be compiled for each level. `run` must be `#[inline(always)]` and free of
/// closures around vector arithmetic: only what is inlined into the functions below is compiled
/// with their instruction set.
pub(crate) trait Kernel {
    type Output;
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs a kernel at a level, with denormals as zeros.
pub(crate) fn run<K: Kernel>(level: Level, kernel: K) -> K::Output {
    flushed(|| match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => {
            debug_assert!(level.is_available());
            // SAFETY: every way to a `Level` used here (`process_level`, `with_level`) checked
            // that the processor has its instructions.
            unsafe { run_avx2(kernel) }
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => {
            debug_assert!(level.is_available());
            // SAFETY: as above.
            unsafe { run_avx512(kernel) }
        }
        _ => run_portable(kernel),
    })
}

/// Not inlined, so that the kernel stays on its side of the setting for denormals, as the others do by their target features.
#[inline(never)]
fn run_portable<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Portable)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: this function runs only on processors with AVX2 and FMA.
    kernel.run(unsafe { crate::simd::Avx2::new() })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: this function runs only on processors with AVX-512F, all of which have AVX2 and FMA.
    kernel.run(unsafe { crate::simd::Avx512::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_word_the_highest_level_is_chosen() {
        assert_eq!(choose(None), (*available().last().unwrap(), None));
        assert_eq!(choose(Some(" ")), (*available().last().unwrap(), None));
    }

    #[test]
    fn a_word_forces_its_level() {
        assert_eq!(choose(Some("portable")), (Level::Portable, None));
        assert_eq!(choose(Some("Portable")), (Level::Portable, None));
    }

    #[test]
    fn an_unknown_word_is_named_and_falls_back() {
        let (level, warning) = choose(Some("mmx"));
        assert_eq!(level, *available().last().unwrap());
        assert!(warning.unwrap().contains("'mmx'"));
    }

    #[test]
    fn a_level_that_is_absent_is_refused_with_those_there_are() {
        for level in Level::ALL {
            let result = with_level(level, super::level);
            if level.is_available() {
                assert_eq!(result, Ok(level));
            } else {
                assert!(result.unwrap_err().to_string().contains("portable"));
                assert!(choose(Some(level.name())).1.is_some());
            }
        }
    }

    #[test]
    fn a_forced_level_ends_with_its_call() {
        let before = level();
        with_level(Level::Portable, || assert_eq!(level(), Level::Portable)).unwrap();
        assert_eq!(level(), before);
    }
}
