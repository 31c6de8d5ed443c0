//! AddressSanitizer over the tests of the kernels: it sees what no comparison with a slow twin can, a vector read or written
//! past the end of a tensor, or a tensor used after its end.
//!
//! It comes with the toolchain, behind an unstable option. All that the tests stand on is compiled with it into a build
//! folder of its own; nothing else is. The allocator is the sanitizer's: the program alone brings another.

use super::Context;
use super::testing::{self, Selection};
use crate::shell::Shell;
use anyhow::{Context as _, Result};
use std::path::Path;

/// The crate with the kernels.
const CRATE: &str = "effnet-ops";

/// Where the step runs. Named too, so that build scripts and macros are compiled without the sanitizer.
const TARGET: &str = "x86_64-unknown-linux-gnu";

pub(super) fn run(c: &mut Context) -> Result<()> {
    if let Some(why) = obstacle(c)? {
        c.report.skipped("", why);
        return Ok(());
    }
    let folder = c.workspace.target.join("asan");
    let folder = folder.to_str().context("the build folder's name is no UTF-8")?;
    let environment = [
        ("RUSTC_BOOTSTRAP", "1"),
        ("RUSTFLAGS", "-Zsanitizer=address"),
        ("CARGO_BUILD_TARGET", TARGET),
        ("CARGO_TARGET_DIR", folder),
    ];
    testing::run(c, "kernels", &Selection::alone(CRATE, ""), &environment)?;

    // Flags from elsewhere can take the place of these: then nothing above was looked at.
    let mut list = c.cargo(&format!("test --quiet --package {CRATE} --lib -- --list"));
    for (name, value) in environment {
        list = list.env(name, value);
    }
    let is_on = list.env("ASAN_OPTIONS", "help=1").reads_errors()?.contains("AddressSanitizer");
    if is_on {
        c.report.passed("the sanitizer is in the tests");
    } else {
        c.report.failed("the sanitizer is in the tests", "they are compiled without it");
    }
    Ok(())
}

/// Why this machine cannot, where it cannot.
fn obstacle(c: &Context) -> Result<Option<&'static str>> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        return Ok(Some("the step is for x86-64 Linux"));
    }
    let print = format!("--print target-libdir --target {TARGET}");
    let libraries = Shell::new(&c.workspace.root, "rustc").words(&print).reads()?;
    let libraries = Path::new(libraries.trim());
    let is_there = libraries.is_dir()
        && std::fs::read_dir(libraries)?
            .flatten()
            .any(|file| file.file_name().to_string_lossy().ends_with("_rt.asan.a"));
    Ok((!is_there).then_some("this toolchain has no AddressSanitizer for x86-64 Linux"))
}
