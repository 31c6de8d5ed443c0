//! A loop over tasks, shared by the threads of rayon's pool, between two of which they stay awake.
//!
//! A training step is thousands of loops, many of them some tens of microseconds long. A thread that finds nothing to do goes to
//! sleep after about as long, and waking it takes as long again. So whoever has no task left looks for one a while longer
//! before it sleeps ([`AWAKE`]), and whoever waits for the last task of a loop does not sleep at all. Both do what else there is
//! to do in the pool meanwhile, and leave the core to others that want it.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a thread looks for the next loop. Longer than what lies between two loops of a step, shorter than is worth
/// noticing by anybody else.
const AWAKE: Duration = Duration::from_micros(200);

/// Calls `task(0), .., task(n - 1)`, each once, on as many threads as there are; from a thread outside the pool, inside it.
///
/// A task may share a loop itself. A panic in one of them comes out here, when those that have begun are through.
pub(crate) fn share(n: usize, task: impl Fn(usize) + Sync) {
    let threads = rayon::current_num_threads().min(n);
    if threads <= 1 {
        (0..n).for_each(task);
        return;
    }
    let (next, left) = (AtomicUsize::new(0), AtomicUsize::new(n));
    let work = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= n {
                return;
            }
            let _counted = CountDown(&left);
            task(i);
        }
    };
    rayon::scope(|scope| {
        let _in_loop = Busy::now();
        keep_awake(threads - 1);
        for _ in 1..threads {
            scope.spawn(|_| {
                let _in_loop = Busy::now();
                work();
            });
        }
        work();
        let mut idle = Idle::default();
        while left.load(Ordering::Acquire) > 0 {
            idle.look_for_work();
        }
    });
}

/// One task less that is waited for, also when it panics.
struct CountDown<'a>(&'a AtomicUsize);

impl Drop for CountDown<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// A thread that has nothing to do, and looks for something.
#[derive(Default)]
struct Idle {
    in_vain: u32,
}

impl Idle {
    /// Does another task of the pool, if there is one.
    fn look_for_work(&mut self) -> bool {
        /// After so many looks, some microseconds, the core is left to whoever wants it: where there are more threads than cores,
        /// that may be the one with the task that is waited for.
        const POLITE: u32 = 64;
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            self.in_vain = 0;
            return true;
        }
        self.in_vain += 1;
        if self.in_vain < POLITE {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
        false
    }
}

/// Jobs of [`stay_awake`] that are running, or wait for a thread. (Of all pools: more than one is not worth telling apart.)
static JOBS: AtomicUsize = AtomicUsize::new(0);

/// Sees to it that as many other threads stay awake, from now on.
fn keep_awake(threads: usize) {
    while JOBS.load(Ordering::Relaxed) < threads {
        JOBS.fetch_add(1, Ordering::Relaxed);
        rayon::spawn(|| {
            stay_awake();
            JOBS.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// Does the pool's tasks until there have been none for [`AWAKE`]; nothing on a thread that works on a loop already, and came
/// upon this job while it waited for the loop's end.
fn stay_awake() {
    if Busy::is() {
        return;
    }
    let _awake = Busy::now();
    let (mut idle, mut since) = (Idle::default(), Instant::now());
    while since.elapsed() < AWAKE {
        if idle.look_for_work() {
            since = Instant::now();
        }
    }
}

thread_local! {
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// That this thread works on a loop, or waits for one, until it is dropped.
struct Busy {
    before: bool,
}

impl Busy {
    fn now() -> Self {
        Self { before: BUSY.replace(true) }
    }

    fn is() -> bool {
        BUSY.get()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// Each of them in turn, and no pool at all.
    fn in_pools(check: impl Fn() + Send + Sync) {
        for threads in [1, 2, 3, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(&check);
        }
        check();
    }

    fn calls(n: usize, task: impl Fn(usize) + Sync) -> Vec<usize> {
        let counts: Vec<AtomicUsize> = (0..n).map(|_| AtomicUsize::new(0)).collect();
        share(n, |i| {
            counts[i].fetch_add(1, Ordering::Relaxed);
            task(i);
        });
        counts.into_iter().map(AtomicUsize::into_inner).collect()
    }

    #[test]
    fn each_task_is_called_once_before_the_loop_ends() {
        in_pools(|| {
            for n in [0, 1, 2, 3, 100] {
                assert_eq!(calls(n, |_| ()), vec![1; n]);
            }
        });
    }

    #[test]
    fn a_task_may_share_a_loop() {
        in_pools(|| {
            let all = calls(7, |i| {
                assert_eq!(calls(20 + i, |_| assert_eq!(calls(3, |_| ()), [1; 3])), vec![1; 20 + i]);
            });
            assert_eq!(all, [1; 7]);
        });
    }

    #[test]
    fn a_panic_comes_out_when_those_that_have_begun_are_through() {
        in_pools(|| {
            let running = AtomicUsize::new(0);
            let told = AtomicBool::new(false);
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                share(50, |i| {
                    running.fetch_add(1, Ordering::SeqCst);
                    let _counted = CountDown(&running);
                    if i == 10 {
                        told.store(true, Ordering::SeqCst);
                        panic!("on purpose");
                    }
                });
            }));
            assert!(outcome.is_err() && told.load(Ordering::SeqCst), "a panic came out");
            assert_eq!(running.load(Ordering::SeqCst), 0);
            assert_eq!(calls(9, |_| ()), [1; 9]);
        });
    }
}
