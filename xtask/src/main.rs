//! What a maintainer runs: `cargo xtask COMMAND`.
//!
//! | command | does |
//! |---|---|
//! | `ci` | every check of the project, with a table of results at the end |
//! | `matrix` | prints the table of these checks, or the workflow that is made from it |
//! | `cuda-setup` | NVIDIA's compiler and libraries, for builds with feature `cuda` |
//! | `cuda-check` | packs a folder that checks a GPU machine |
//! | `bench` | measures this project beside its peers, interleaved in one run |
//! | `golden` | makes the committed reference values anew from the published libraries |
//!
//! The one decision: a check lives here and nowhere else. `.ci/run` and the workflows call these commands, so
//! that what a maintainer sees at the desk is what a machine sees.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a terminal program: printing is its output")]

mod bench;
mod ci;
mod cuda;
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
    /// Run every check; the rows are listed by --list.
    Ci(ci::Options),
    /// Pack a folder with which a machine that has a GPU, and neither network nor Rust, checks and measures the feature `cuda`.
    CudaCheck(cuda::CheckOptions),
    /// Set up NVIDIA's compiler and libraries in a folder, for builds with feature `cuda`, and print the environment to use them.
    CudaSetup(cuda::Options),
    /// Make crates/*/tests/golden/*.json anew from the published libraries.
    Golden(golden::Options),
    /// Print the table of all checks: features, targets, and the command that runs each.
    Matrix(ci::MatrixOptions),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Bench(options) => bench::run(&options),
        Command::Ci(options) => ci::run(&options),
        Command::CudaCheck(options) => cuda::check(&options),
        Command::CudaSetup(options) => cuda::run(&options),
        Command::Golden(options) => golden::run(&options),
        Command::Matrix(options) => ci::print_matrix(&options),
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
