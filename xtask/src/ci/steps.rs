//! The plain rows: format, tidy, clippy, tests, doc tests, docs.

use super::Context;
use super::testing::{self, Selection};
use crate::shell::Shell;
use anyhow::Result;

impl Context {
    /// A command of cargo in the workspace root, in the row's environment.
    pub(super) fn cargo(&self, arguments: &str) -> Shell {
        let shell = Shell::new(&self.workspace.root, "cargo").words(arguments);
        self.environment.iter().fold(shell, |shell, (name, value)| shell.env(name, value))
    }

    /// Whether a tool answers to `--version`; where it does not, that is told: a failure with `CI=true`, else a skip.
    pub(super) fn has(&mut self, tool: &str) -> bool {
        if self.cargo(&format!("{tool} --version")).reads().is_ok() {
            return true;
        }
        self.missing(&format!("cargo {tool} is not installed"));
        false
    }

    /// Reports that a tool is missing: a failure with `CI=true`, else a skip.
    pub(super) fn missing(&mut self, why: &str) {
        if self.strict {
            self.report.failed("", why);
        } else {
            self.report.skipped("", why);
        }
    }
}

pub(super) fn format(c: &mut Context) -> Result<()> {
    if c.has("fmt") {
        let good = c.cargo("fmt --all --check").succeeds()?;
        c.report.ended("", good);
    }
    Ok(())
}

/// The rules are tests of xtask, so that they can be run and read like any others.
pub(super) fn tidy(c: &mut Context) -> Result<()> {
    let tidy = c.cargo("test --quiet --package xtask --test tidy").env("RUST_BACKTRACE", "0");
    let (good, output) = tidy.succeeds_with_output()?;
    c.report.tested("", good, testing::count_cargo_test(&output), c.data());
    Ok(())
}

pub(super) fn clippy(c: &mut Context) -> Result<()> {
    if c.has("clippy") {
        let good = c.cargo("clippy --workspace --all-targets -- -D warnings").succeeds()?;
        c.report.ended("", good);
    }
    Ok(())
}

/// In the environment as it is: all processors, the fastest kernels. The tidy rules have had a row of their own.
pub(super) fn tests(c: &mut Context) -> Result<()> {
    testing::run(c, "", &Selection::everything(), &[])
}

/// Nextest runs no doc tests, so these are cargo's own. The whole workspace, so that nothing below is built again.
pub(super) fn doctests(c: &mut Context) -> Result<()> {
    let (good, output) = c.cargo("test --doc --workspace --no-fail-fast").succeeds_with_output()?;
    c.report.tested("", good, testing::count_cargo_test(&output), c.data());
    Ok(())
}

pub(super) fn docs(c: &mut Context) -> Result<()> {
    let good = c.cargo("doc --workspace --no-deps").env("RUSTDOCFLAGS", "-Dwarnings").succeeds()?;
    c.report.ended("", good);
    Ok(())
}
