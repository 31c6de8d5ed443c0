//! The rows of `cargo xtask ci --cuda`: every crate with feature `cuda`, in a build folder of its own, so that neither this nor
//! the rows for the CPU build again what the other has built.
//!
//! No crate is compiled alone here: cargo would give the build script of candle's kernels other features each time, and nvcc would
//! compile them anew, for minutes. The row `alone` compiles each crate without `cuda`.
//!
//! Tests that need a GPU have `on_a_gpu` in their name; where there is none they print that they are skipped, and are counted.

use super::Context;
use super::delayed;
use super::testing::{self, Names, Selection};
use crate::cuda::{Setup, gpus, pack};
use crate::shell::Shell;
use crate::workspace::{CUDA, Package};
use anyhow::Result;
use std::path::PathBuf;

/// In the names of tests that need a GPU.
const ON_A_GPU: &str = "on_a_gpu";

pub(super) fn setup(c: &mut Context) -> Result<()> {
    prepare(c)?;
    c.report.passed("");
    Ok(())
}

pub(super) fn build(c: &mut Context) -> Result<()> {
    let which = prepare(c)?;
    let good = c.cargo(&format!("build {which}")).succeeds()?;
    c.report.ended("", good);
    Ok(())
}

pub(super) fn start(c: &mut Context) -> Result<()> {
    let which = prepare(c)?;
    if c.cargo(&format!("build {which}")).succeeds()? {
        let program = build_folder(c).join("debug/effmix");
        return delayed::starts_without_libraries(c, &program);
    }
    c.report.failed("", "the program does not compile");
    Ok(())
}

pub(super) fn clippy(c: &mut Context) -> Result<()> {
    let which = prepare(c)?;
    if c.has("clippy") {
        let good = c.cargo(&format!("clippy {which} --all-targets -- -D warnings")).succeeds()?;
        c.report.ended("", good);
    }
    Ok(())
}

pub(super) fn docs(c: &mut Context) -> Result<()> {
    let which = prepare(c)?;
    let good = c.cargo(&format!("doc {which} --no-deps")).env("RUSTDOCFLAGS", "-Dwarnings").succeeds()?;
    c.report.ended("", good);
    Ok(())
}

pub(super) fn tests(c: &mut Context) -> Result<()> {
    let which = prepare(c)?;
    testing::run(c, "", &Selection::built_by(which, Names::Without(ON_A_GPU)), &[])
}

pub(super) fn gpu_tests(c: &mut Context) -> Result<()> {
    let which = Selection::built_by(prepare(c)?, Names::With(ON_A_GPU));
    let has_gpu = gpus(&c.workspace.root) > 0;
    let (good, count) = testing::count(c, &which, &[])?;
    if has_gpu {
        c.report.tested("", good, count, Some("there is a GPU"));
    } else {
        c.report.all_skipped("need a GPU", good, count);
    }
    Ok(())
}

/// The folder for GPU machines is packed, and its script checks this machine's GPU, or the CPU where there is none.
pub(super) fn check(c: &mut Context) -> Result<()> {
    prepare(c)?;
    let folder = c.workspace.target.join("cuda-check");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    pack(&c.workspace, &c.environment, "dev", &folder)?;
    let device = if gpus(&c.workspace.root) > 0 { "cuda:0" } else { "cpu" };
    let script = Shell::new(&c.workspace.root, folder.join("run.sh")).words("--quick --device").arg(device);
    let good = script.succeeds()?;
    c.report.ended(&format!("on {device}"), good);
    Ok(())
}

fn build_folder(c: &Context) -> PathBuf {
    c.workspace.target.join("cuda")
}

/// Sets up what a build needs, and returns the arguments that choose the crates with the feature.
fn prepare(c: &mut Context) -> Result<String> {
    c.environment = Setup::of_environment(&c.workspace)?.environment(&c.workspace.root);
    let folder = build_folder(c).display().to_string();
    c.environment.push(("CARGO_TARGET_DIR".to_owned(), folder));
    let crates = c.workspace.crates().filter(|package| package.has_cuda());
    let packages: Vec<String> = crates.map(|Package { name, .. }| format!("--package {name}")).collect();
    Ok(format!("{} --features {CUDA}", packages.join(" ")))
}
