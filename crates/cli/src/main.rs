//! The program `effmix`: flags and terminal only. It parses, calls, prints; the work is done in the crates below.
//!
//! | file | holds |
//! |---|---|
//! | `args` | the command line |
//! | `commands/` | a file a command |
//! | `inputs` | images named on the command line |
//! | `terminal` | progress, on a terminal or in a log |
//! | `output` | stdout, stderr and files, so that nothing of a user's is overwritten |
//! | `log` | what the libraries log |
//! | `presets` | what `--preset list` shows |
//! | `threads` | the pool that computes |
//! | `failure`, `signals`, `exit` | why a command failed, Ctrl-C and SIGTERM, and how the program ends |

mod args;
mod commands;
mod exit;
mod failure;
mod inputs;
mod log;
mod output;
mod presets;
mod signals;
mod terminal;
mod threads;

use std::process::ExitCode;

/// Every operation allocates its result; this allocator keeps the pages, [`keep_freed_memory`].
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    set_environment();
    keep_freed_memory();
    exit::guarded(|| {
        let args = match args::parse() {
            Ok(args) => args,
            Err(help) => return help,
        };
        log::start();
        exit::of(commands::run(args))
    })
}

/// Sets what candle has no other switch for than the environment.
///
/// - `CANDLE_NUM_THREADS`: candle's own threads spin between its element-wise operations, and so take the cores from rayon's, which do
///   the work. A user's value is kept.
/// - `RUST_LIB_BACKTRACE`: where backtraces are on, as they are in the shells of many programmers, candle writes one into the text of each
///   of its errors. They are of no use to the user of a program.
fn set_environment() {
    const THREADS: &str = "CANDLE_NUM_THREADS";
    // SAFETY: first thing in main, so no other thread reads the environment.
    unsafe {
        if std::env::var_os(THREADS).is_none() {
            std::env::set_var(THREADS, "1");
        }
        std::env::set_var("RUST_LIB_BACKTRACE", "0");
    }
}

/// Steps need the same memory again and again. By itself the allocator gives what is free for some milliseconds back to the
/// system, which has to fill it with zeros before it lends it again: a fifth of the processors' time in a
/// training at 224 px, and a fourteenth of its speed. A user's `MIMALLOC_PURGE_DELAY` is kept.
fn keep_freed_memory() {
    /// `mi_option_purge_delay` in mimalloc.h; the crate has no name for it.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    const NEVER: std::ffi::c_long = -1;
    // SAFETY: the option exists in versions 2 and 3 of the allocator; it may be set at any time.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, NEVER) };
}
