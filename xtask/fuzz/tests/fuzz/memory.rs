//! The most bytes that a test's work allocates.

use std::sync::{Mutex, PoisonError};

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Held while bytes are counted, for nothing else may allocate meanwhile.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs a test's work with nobody else's beside it.
pub(crate) fn alone(work: impl FnOnce()) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    work();
}

/// The result of `work`, and the most bytes that were allocated while it ran, beyond those before. The test must be [`alone`].
pub(crate) fn most_bytes<T>(work: impl FnOnce() -> T) -> (T, usize) {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.peak_usage();
    let made = work();
    (made, ALLOCATOR.peak_usage() - before)
}
