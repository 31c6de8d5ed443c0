//! Platforms that this machine compiles for and does not run: `cargo check --target`.
//!
//! Rust needs no linker and no foreign libraries for that, but build scripts that compile C need a C compiler for the target.
//! Where there is none, the crates above such scripts are skipped, and the report names them with the reason.

use super::Context;
use crate::shell::Shell;
use anyhow::Result;
use std::collections::BTreeSet;
use std::path::Path;

/// A platform with the C compiler that makes programs for it on Linux, if there is one.
pub(super) struct Target {
    pub(super) triple: &'static str,
    pub(super) compiler: Option<&'static str>,
}

pub(super) const AARCH64: Target =
    Target { triple: "aarch64-unknown-linux-gnu", compiler: Some("aarch64-linux-gnu-gcc") };
pub(super) const WINDOWS: Target =
    Target { triple: "x86_64-pc-windows-gnu", compiler: Some("x86_64-w64-mingw32-gcc") };
/// Apple's headers come with Apple's tools alone.
pub(super) const MACOS: Target = Target { triple: "aarch64-apple-darwin", compiler: None };

/// This crate compiles C too, and has a feature to do without.
const PURE: (&str, &str) = ("blake3", "blake3/pure");

pub(super) fn aarch64(c: &mut Context) -> Result<()> {
    compiles(c, &AARCH64)
}

pub(super) fn windows(c: &mut Context) -> Result<()> {
    compiles(c, &WINDOWS)
}

pub(super) fn macos(c: &mut Context) -> Result<()> {
    compiles(c, &MACOS)
}

/// Compiles all crates for a target, or those that can be.
fn compiles(c: &mut Context, target: &Target) -> Result<()> {
    let Target { triple, compiler } = *target;
    if is_host(c, triple)? {
        c.report.skipped("", "this machine's own: the other rows compile for it");
        return Ok(());
    }
    if !has_std(c, triple)? {
        return Ok(());
    }
    if compiler.is_some_and(|name| is_installed(c, name)) {
        let good =
            c.cargo(&format!("check {} --all-targets --target {triple}", packages(&names(c)))).succeeds()?;
        c.report.ended("all crates", good);
        return Ok(());
    }
    let with_c = with_c(c, triple)?;
    let mut plain = Vec::new();
    let mut skipped = Vec::new();
    for name in names(c) {
        let needs: Vec<String> = below(c, &name, triple)?.intersection(&with_c).cloned().collect();
        if needs.is_empty() { plain.push(name) } else { skipped.push((name, needs)) }
    }
    let which = packages(&plain);
    let good = c
        .cargo(&format!("check {which} --all-targets --target {triple} --features {}", PURE.1))
        .succeeds()?;
    c.report.ended(&format!("{} crates", plain.len()), good);
    let lacking = compiler
        .map_or("no C compiler makes programs for it here".to_owned(), |name| format!("there is no {name}"));
    for (name, needs) in skipped {
        c.report.skipped(&name, &format!("C is compiled in {}, and {lacking}", needs.join(", ")));
    }
    Ok(())
}

fn names(c: &Context) -> Vec<String> {
    c.workspace.crates().map(|package| package.name.clone()).collect()
}

fn packages(names: &[String]) -> String {
    names.iter().map(|name| format!("--package {name}")).collect::<Vec<_>>().join(" ")
}

fn is_host(c: &Context, triple: &str) -> Result<bool> {
    let version = Shell::new(&c.workspace.root, "rustc").words("--version --verbose").reads()?;
    Ok(version.lines().any(|line| line.strip_prefix("host: ") == Some(triple)))
}

pub(super) fn is_installed(c: &Context, program: &str) -> bool {
    Shell::new(&c.workspace.root, program).words("--version").reads().is_ok()
}

/// Whether Rust's standard library for a target is there, or rustup could bring it; if not, the report says so.
pub(super) fn has_std(c: &mut Context, triple: &str) -> Result<bool> {
    let root = c.workspace.root.clone();
    let libraries =
        Shell::new(&root, "rustc").words(&format!("--print target-libdir --target {triple}")).reads()?;
    let brought = || Shell::new(&root, "rustup").words(&format!("target add {triple}")).succeeds();
    let is_there = Path::new(libraries.trim()).is_dir() || brought().unwrap_or(false);
    if !is_there {
        c.report.skipped(
            "",
            &format!("Rust's standard library for {triple} is not here, and rustup can't bring it"),
        );
    }
    Ok(is_there)
}

/// The packages whose build scripts compile C for a target, but for the one that can do without.
fn with_c(c: &Context, triple: &str) -> Result<BTreeSet<String>> {
    let tree = format!(
        "tree --workspace --invert cc --depth 1 --target {triple} --edges normal,build --prefix none"
    );
    let mut packages = package_names(&c.cargo(&tree).reads()?);
    packages.retain(|name| name != "cc" && name != PURE.0);
    Ok(packages)
}

/// The packages that a crate and its tests stand on.
fn below(c: &Context, name: &str, triple: &str) -> Result<BTreeSet<String>> {
    let tree = format!("tree --package {name} --target {triple} --edges normal,build,dev --prefix none");
    Ok(package_names(&c.cargo(&tree).reads()?))
}

/// Reads the lines `NAME vVERSION ...` of `cargo tree --prefix none`.
fn package_names(tree: &str) -> BTreeSet<String> {
    tree.lines().filter_map(|line| line.split_once(" v")).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_a_tree_without_its_headings() {
        let tree = "cc v1.2.0\n[build-dependencies]\nring v0.17.14\nblake3 v1.8.7 (*)\n\n";
        let names: Vec<String> = package_names(tree).into_iter().collect();
        assert_eq!(names, ["blake3", "cc", "ring"]);
    }
}
