//! A fork-join loop over tasks on the threads of rayon's pool, which stay awake between two loops.
//!
//! A training step is thousands of loops, many of them some tens of microseconds long. A thread without work goes to sleep
//! after about as long, and waking it takes as long again. So a thread that has no task left looks for one a while longer
//! before it sleeps ([`AWAKE`]), and the thread that waits for a loop's last task does not sleep at all. Both run other jobs of
//! the pool meanwhile, and yield the core to other programs.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a thread looks for the next loop before it sleeps: longer than the time between two loops of a training step, and
/// too short to matter to other programs.
const AWAKE: Duration = Duration::from_micros(200);

/// Calls `task(0), .., task(n - 1)`, each once, on the threads of rayon's current pool. It returns when all calls have.
///
/// A task may start a loop of its own. If a task panics, the panic is resumed here after the tasks that had begun are done.
/// The task is a trait object, so that this loop is compiled once and not for each caller.
pub(crate) fn parallel_for(n: usize, task: &(dyn Fn(usize) + Sync)) {
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

/// Counts a task as done when it is dropped, also when the task panics.
struct CountDown<'a>(&'a AtomicUsize);

impl Drop for CountDown<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// A thread without work that looks for some.
#[derive(Default)]
struct Idle {
    failures: u32,
}

impl Idle {
    /// Runs another job of the pool, and returns whether there was one.
    fn look_for_work(&mut self) -> bool {
        /// After so many failures, some microseconds, the thread yields its core: where there are more threads than cores, the
        /// thread with the last task may need it.
        const POLITE: u32 = 64;
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            self.failures = 0;
            return true;
        }
        self.failures += 1;
        if self.failures < POLITE {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
        false
    }
}

/// Number of [`stay_awake`] jobs that run or wait for a thread, in all pools together.
static JOBS: AtomicUsize = AtomicUsize::new(0);

/// Keeps so many other threads awake from now on.
fn keep_awake(threads: usize) {
    while JOBS.load(Ordering::Relaxed) < threads {
        JOBS.fetch_add(1, Ordering::Relaxed);
        rayon::spawn(|| {
            stay_awake();
            JOBS.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// Runs the pool's jobs until there have been none for [`AWAKE`]. It returns at once on a thread that is in a loop already, and
/// took this job while it waited for the loop's end.
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

/// Marks this thread as being in a loop until it is dropped.
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

    /// Runs the check in pools of several sizes, and outside of a pool.
    fn in_pools(check: impl Fn() + Send + Sync) {
        for threads in [1, 2, 3, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(&check);
        }
        check();
    }

    fn calls(n: usize, task: impl Fn(usize) + Sync) -> Vec<usize> {
        let counts: Vec<AtomicUsize> = (0..n).map(|_| AtomicUsize::new(0)).collect();
        parallel_for(n, &|i| {
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
    fn a_task_may_start_a_loop() {
        in_pools(|| {
            let all = calls(7, |i| {
                assert_eq!(calls(20 + i, |_| assert_eq!(calls(3, |_| ()), [1; 3])), vec![1; 20 + i]);
            });
            assert_eq!(all, [1; 7]);
        });
    }

    #[test]
    fn a_panic_is_resumed_after_the_tasks_that_had_begun() {
        in_pools(|| {
            let running = AtomicUsize::new(0);
            let told = AtomicBool::new(false);
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                parallel_for(50, &|i| {
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
