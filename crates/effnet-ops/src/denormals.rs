//! Denormals are zeros to the kernels: their arguments that are denormal, and their results that would be.
//!
//! Numbers below 2^-126 are slow, and gradients that fade out, or weights that decay, get there: measured on a Zen 3 (AVX2,
//! activations that are all denormal), swish took 2.2 times as long with them, batch norm with swish 1.4, a pointwise
//! convolution 1.07. With this module all take what they take on other numbers. Such numbers carry no weight in a sum.
//!
//! A thread's setting is changed only while it works on a piece of an operation ([`flushed`]), and for every piece, whether on a
//! thread of a pool or on the caller's. So results depend neither on the program that built the pool nor on the thread that
//! computes a piece, and no code but this crate's runs under another setting than it expects.
//!
//! On x86-64 these are the bits FTZ and DAZ of MXCSR. Other processors keep their denormals.

/// Runs `f` with denormals as zeros on this thread, and puts the thread's setting back as it was.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn flushed<T>(f: impl FnOnce() -> T) -> T {
    /// Puts the setting back when it is dropped, so also when `f` panics.
    struct PutBack(Option<u32>);
    impl Drop for PutBack {
        #[inline(always)]
        fn drop(&mut self) {
            if let Some(before) = self.0 {
                set(before);
            }
        }
    }
    let before = setting();
    let changes = before & FLUSH != FLUSH;
    if changes {
        set(before | FLUSH);
    }
    let _put_back = PutBack(changes.then_some(before));
    // One call, so that `f` is inlined once.
    f()
}

/// Other processors keep their denormals.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn flushed<T>(f: impl FnOnce() -> T) -> T {
    f()
}

/// Results that would be denormal are zeros (FTZ, bit 15), arguments that are denormal count as zeros (DAZ, bit 6): Intel's
/// "Software Developer's Manual", volume 1, section 10.2.3.
#[cfg(target_arch = "x86_64")]
const FLUSH: u32 = 1 << 15 | 1 << 6;

/// MXCSR of this thread.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn setting() -> u32 {
    let mut word = 0u32;
    // SAFETY: it writes the four bytes of `word` and nothing else.
    unsafe {
        std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut word, options(nostack, preserves_flags));
    }
    word
}

/// Sets it. That the block may touch memory, as far as the compiler knows, keeps loads and stores, and with them the
/// arithmetic between them, on their side of it.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn set(word: u32) {
    // SAFETY: `word` came from `setting`, but for the bits of `FLUSH`, which every x86-64 processor with SSE3 has: exceptions
    // stay masked and rounding as it is. Rust's reference asks an asm block to leave MXCSR as it found it, for the compiler
    // relies on its start-up value where it computes constants, or moves arithmetic that no memory ties down, over the block.
    // All that can come of it is a denormal in the place of a zero: both are numbers, and the kernels' pieces are loops over
    // memory, inside a call.
    unsafe {
        std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const word, options(nostack, preserves_flags));
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use std::hint::black_box;

    use super::*;

    const TINY: f32 = 1e-30;

    /// Computed when the program runs.
    fn product() -> f32 {
        black_box(TINY) * black_box(TINY * 1e20)
    }

    #[test]
    fn a_denormal_result_is_zero_inside_and_there_again_behind() {
        assert!(product().is_subnormal());
        assert_eq!(flushed(|| black_box(product())), 0.0);
        assert!(product().is_subnormal());
    }

    #[test]
    fn a_denormal_argument_counts_as_zero() {
        let scaled = || black_box(f32::from_bits(5)) * black_box(1e30);
        assert!(scaled() > 0.0);
        assert_eq!(flushed(|| black_box(scaled())), 0.0);
    }

    #[test]
    fn normal_results_are_the_same_to_the_smallest() {
        let half = || black_box(f32::MIN_POSITIVE * 2.0) * black_box(0.5);
        assert_eq!(flushed(|| black_box(half())), f32::MIN_POSITIVE);
    }

    #[test]
    fn a_panic_puts_the_setting_back() {
        let before = setting();
        let panicked = std::panic::catch_unwind(|| flushed(|| panic!("on purpose")));
        assert!(panicked.is_err());
        assert_eq!(setting(), before);
    }

    #[test]
    fn one_inside_another_ends_with_the_outer() {
        flushed(|| {
            flushed(|| ());
            assert_eq!(setting() & FLUSH, FLUSH);
        });
    }
}
