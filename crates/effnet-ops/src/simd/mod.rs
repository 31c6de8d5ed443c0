//! The few vector operations that the kernels are written in, and their instruction sets.
//!
//! Why not leave it to the compiler's own vectorisation: the tails (channel counts are multiples of
//! 8, not of 16), the exponential and the register tiles of the convolutions come out right only
//! when written down.

mod portable;
mod vector;
mod wide;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use portable::Portable;
pub(crate) use vector::Simd;
pub(crate) use wide::Wide;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};
