//! What a maintainer runs: `cargo xtask COMMAND`.
//!
//! | command | does |
//! |---|---|
//! | `ci` | every check of the project, with a table of results at the end |
//! | `bench` | measures this project beside its peers, interleaved in one run |
//! | `golden` | makes the committed reference values anew from the published libraries |
//!
//! The one decision: a check lives here and nowhere else. `.ci/run` and the workflows call these commands, so
//! that what a maintainer sees at the desk is what a machine sees.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a terminal program: printing is its output")]

mod bench;
mod ci;
mod golden;
mod python;
mod shell;
mod workspace;

use clap::Parser;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "What a maintainer runs", disable_help_subcommand = true)]
enum Command {
    /// Measure speed and memory beside PyTorch, ONNX Runtime, OpenVINO, scikit-learn and stock candle.
    Bench(bench::Options),
    /// Run every check; the steps are listed by --list.
    Ci(ci::Options),
    /// Make crates/*/tests/golden/*.json anew from the published libraries.
    Golden(golden::Options),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Bench(options) => bench::run(&options),
        Command::Ci(options) => ci::run(&options),
        Command::Golden(options) => golden::run(&options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
