//! What a maintainer runs: `cargo xtask COMMAND`.
//!
//! | command | does |
//! |---|---|
//! | `ci` | every check of the project, with a table of results at the end |
//! | `golden` | makes the committed reference values anew from the published libraries |
//!
//! The one decision: a check lives here and nowhere else. `.ci/run` and the workflows call these commands, so
//! that what a maintainer sees at the desk is what a machine sees.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a terminal program: printing is its output")]

mod ci;
mod golden;
mod shell;
mod workspace;

use clap::Parser;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "What a maintainer runs", disable_help_subcommand = true)]
enum Command {
    /// Run every check; the steps are listed by --list.
    Ci(ci::Options),
    /// Make crates/*/tests/golden/*.json anew from the published libraries.
    Golden(golden::Options),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
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
