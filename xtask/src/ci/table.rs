//! The table of all checks: what features and what target each is for, and which command runs it.
//!
//! `cargo xtask ci` runs its rows, `cargo xtask matrix` prints them, and the jobs of .github/workflows/ci.yml are made from
//! them. A row that repeats what another covers, for longer, is for `--deep`.

use super::targets::{AARCH64, MACOS, WINDOWS};
use super::{Context, alone, asan, cuda, dependencies, emulated, kernels, oldest, packaging, steps, targets};
use anyhow::Result;

/// A check with all that is known of it before it runs.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// What `--only` and `--from` call it.
    pub(super) name: &'static str,
    pub(super) command: Command,
    /// The features that crates have; empty where nothing is compiled.
    pub(super) features: &'static str,
    /// What it is compiled for; empty where nothing is compiled.
    pub(super) target: &'static str,
    /// What it finds out.
    pub(super) checks: &'static str,
    pub(super) needs: Needs,
    pub(super) run: fn(&mut Context) -> Result<()>,
}

/// Which command runs a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Command {
    /// `cargo xtask ci`, for every commit.
    Ci,
    /// `cargo xtask ci --deep`, for the last commit of each piece of work. It runs the rows for every commit too.
    Deep,
    /// `cargo xtask ci --cuda`, in a build folder of its own.
    Cuda,
}

/// What a row needs besides a Rust toolchain and the tools that .ci/run brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Needs {
    Nothing,
    /// Packages of Debian and Ubuntu.
    Debian(&'static [&'static str]),
    /// The Rust that Cargo.toml promises to work.
    OldestRust,
}

const HOST: &str = "this machine";

/// Cheap rows first: what is wrong shows early.
pub(super) const ROWS: [Row; 29] = {
    use Command::{Ci, Cuda, Deep};
    [
        row("format", Ci, "", "", "rustfmt changes nothing", steps::format),
        row("tidy", Ci, "", "", "file and doc rules of the house", steps::tidy),
        row("dependencies", Ci, "none", "all", "what a crate must not bring to its users", dependencies::run),
        row("clippy", Ci, "default", HOST, "lints, warnings are errors", steps::clippy),
        row("tests", Ci, "default", HOST, "unit and integration tests of every crate", steps::tests),
        row("doctests", Ci, "default", HOST, "the code in READMEs and docs", steps::doctests),
        row("docs", Ci, "default", HOST, "rustdoc, warnings are errors", steps::docs),
        row("alone", Ci, "none, each", HOST, "each crate compiles alone", alone::compiles),
        row("portable", Ci, "default", HOST, "the tests on kernels, by the portable path", kernels::portable),
        row("avx2", Ci, "default", HOST, "the tests on kernels, by AVX2", kernels::avx2),
        row("avx512", Ci, "default", HOST, "the tests on kernels, by AVX-512", kernels::avx512),
        row("oldest", Ci, "default", HOST, "compiles with the oldest Rust of Cargo.toml", oldest::compiles)
            .needing(Needs::OldestRust),
        row("aarch64", Ci, "default", AARCH64.triple, "compiles with its tests", targets::aarch64)
            .needing(Needs::Debian(&["gcc-aarch64-linux-gnu"])),
        row("windows", Ci, "default", WINDOWS.triple, "compiles with its tests", targets::windows)
            .needing(Needs::Debian(&["gcc-mingw-w64-x86-64-win32"])),
        row("macos", Ci, "default", MACOS.triple, "crates without C compile", targets::macos),
        row("package", Ci, "default", HOST, "what would be published compiles", packaging::package),
        row("deny", Ci, "all", "all", "licences, bans, sources", packaging::deny),
        row("threads", Deep, "default", HOST, "every kernel level with one and two threads", kernels::matrix),
        row("features", Deep, "none", HOST, "the tests of crates with default features", alone::tests),
        row("asan", Deep, "default", HOST, "AddressSanitizer over the tests of the kernels", asan::run),
        row("aarch64-tests", Deep, "default", AARCH64.triple, "the tests of arithmetic", emulated::tests)
            .needing(Needs::Debian(&["qemu-user", "gcc-aarch64-linux-gnu"])),
        row("cuda-setup", Cuda, "", "", "NVIDIA's compiler and libraries are there", cuda::setup),
        row("cuda-build", Cuda, "cuda", HOST, "libraries and program compile and link", cuda::build),
        row("cuda-start", Cuda, "cuda", HOST, "the program starts without NVIDIA's libraries", cuda::start),
        row("cuda-clippy", Cuda, "cuda", HOST, "lints, warnings are errors", cuda::clippy),
        row("cuda-docs", Cuda, "cuda", HOST, "rustdoc, warnings are errors", cuda::docs),
        row("cuda-tests", Cuda, "cuda", HOST, "the tests that need no GPU", cuda::tests),
        row("cuda-gpu", Cuda, "cuda", HOST, "the tests that need a GPU", cuda::gpu_tests),
        row("cuda-check", Cuda, "cuda", HOST, "the folder for GPU machines works", cuda::check),
    ]
};

const fn row(
    name: &'static str,
    command: Command,
    features: &'static str,
    target: &'static str,
    checks: &'static str,
    run: fn(&mut Context) -> Result<()>,
) -> Row {
    Row { name, command, features, target, checks, needs: Needs::Nothing, run }
}

impl Row {
    const fn needing(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }
}

impl Command {
    /// The row's command as it is typed.
    pub(super) fn typed(self) -> &'static str {
        match self {
            Self::Ci => "ci",
            Self::Deep => "ci --deep",
            Self::Cuda => "ci --cuda",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_row_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ROWS.len());
    }

    #[test]
    fn the_rows_of_a_command_stand_together() {
        let mut commands: Vec<Command> = ROWS.iter().map(|row| row.command).collect();
        commands.dedup();
        assert_eq!(commands, [Command::Ci, Command::Deep, Command::Cuda]);
    }
}
