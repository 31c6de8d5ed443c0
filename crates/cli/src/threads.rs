//! The one pool of threads.

use crate::failure::Failure;

/// A backward pass is recursive in the depth of its graph; this is what a main thread has.
const STACK_BYTES: usize = 8 << 20;

/// Does `work` on a pool of `threads` threads, as one of them; without a number, one a core.
///
/// A thread from outside would sleep while the pool computes an operation for it, and so cost two wake-ups an operation, of
/// which a training step has thousands.
pub(crate) fn on_threads<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    let mut pool = rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES);
    if let Some(threads) = threads {
        if !(1..=1024).contains(&threads) {
            return Err(Failure::Usage(format!(
                "--threads: {threads} is not allowed; it must be from 1 to 1024"
            )));
        }
        pool = pool.num_threads(threads);
    }
    pool.build_global().map_err(|e| Failure::Other(format!("starting threads: {e}")))?;
    rayon::scope(|_| work())
}
