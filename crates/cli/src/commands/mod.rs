//! A file a command.

mod bench;
mod compare;
mod completions;
mod evaluate;
mod export;
mod man;
mod noise;
mod predict;
mod report;
mod resume;
mod scale;
mod search;
mod sweep;
mod train;

use crate::args::{Arguments, Command, short_help};
use crate::failure::Failure;
use crate::output::print;
use crate::threads::on_threads;

/// Runs the command.
pub(crate) fn run(args: Arguments) -> Result<(), Failure> {
    match args.command {
        None => print(&short_help()),
        Some(Command::Train(args)) => train::run(*args),
        Some(Command::Resume(args)) => resume::run(&args),
        Some(Command::Predict(args)) => on_threads(args.model.threads, || predict::run(&args)),
        Some(Command::Evaluate(args)) => on_threads(args.model.threads, || evaluate::run(&args)),
        Some(Command::Bench(args)) => on_threads(args.threads, || bench::run(&args)),
        Some(Command::Export(args)) => export::run(&args),
        Some(Command::Noise(args)) => on_threads(args.threads, || noise::run(&args)),
        Some(Command::Report(args)) => report::run(&args),
        Some(Command::Compare(args)) => compare::run(&args),
        Some(Command::Scale(args)) => scale::run(&args),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Man(args)) => man::run(&args),
    }
}
