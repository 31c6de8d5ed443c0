//! The last steps: what would be published, and what it stands on.

use super::Context;
use crate::shell::Shell;
use crate::workspace::Package;
use anyhow::{Context as _, Result};
use std::path::PathBuf;

/// Packs the crates, and compiles the workspace with the packages in the place of their sources: a file that a package
/// lacks shows here.
///
/// Cargo's own verification builds each package with all it stands on anew, which takes many times as long as all other
/// steps; that each crate asks for the features it uses is for the step `alone`.
pub(super) fn package(c: &mut Context) -> Result<()> {
    let names: Vec<String> =
        c.workspace.crates().filter(|p| p.is_published()).map(|p| format!("--package {}", p.name)).collect();
    // At the desk there may be work that is not committed; a clean clone has none, and there it would be a mistake.
    let dirty = if c.strict { "" } else { " --allow-dirty" };
    let packed = c.cargo(&format!("package --locked --no-verify {}{dirty}", names.join(" "))).succeeds()?;
    c.report.ended(&format!("{} crates packed", names.len()), packed);
    if packed {
        let copy = unpack(c)?;
        let good = Shell::new(&copy, "cargo")
            .words("check --workspace --all-targets --target-dir")
            .arg(&c.workspace.target)
            .succeeds()?;
        c.report.ended("the packages compile", good);
    }
    Ok(())
}

/// A copy of the workspace in which the packages are the crates. The members are the same, so what they stand on has the
/// same features and is compiled already.
fn unpack(c: &Context) -> Result<PathBuf> {
    let root = &c.workspace.root;
    let packages = c.workspace.target.join("package");
    let copy = packages.join("workspace");
    let crates = copy.join("crates");
    if copy.exists() {
        std::fs::remove_dir_all(&copy).with_context(|| copy.display().to_string())?;
    }
    std::fs::create_dir_all(&crates).with_context(|| crates.display().to_string())?;
    let mut manifest = std::fs::read_to_string(root.join("Cargo.toml"))?;
    manifest.push_str("\n# None is in a registry yet.\n[patch.crates-io]\n");
    // By folder: what lies in another package's folder (xtask/bench) has come with it.
    let mut members: Vec<&Package> = c.workspace.packages.iter().collect();
    members.sort_by_key(|package| package.folder());
    for package in members {
        let Package { name, version, .. } = package;
        let below = package.folder().strip_prefix(root)?;
        if copy.join(below).exists() {
            continue;
        }
        if package.is_published() {
            let archive = packages.join(format!("{name}-{version}.crate"));
            let good = Shell::new(&crates, "tar").words("-xzf").arg(&archive).succeeds()?;
            anyhow::ensure!(good, "cannot unpack {}", archive.display());
            std::fs::rename(crates.join(format!("{name}-{version}")), copy.join(below))?;
            manifest.push_str(&format!("{name} = {{ path = \"{}\" }}\n", below.display()));
        } else {
            let good = Shell::new(root, "cp").words("-R").arg(below).arg(copy.join(below)).succeeds()?;
            anyhow::ensure!(good, "cannot copy {}", below.display());
        }
    }
    std::fs::write(copy.join("Cargo.toml"), manifest)?;
    std::fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock"))?;
    Ok(copy)
}

/// Advisories need a database from the net and change with the day, so they are no part of this.
pub(super) fn deny(c: &mut Context) -> Result<()> {
    if !c.has("deny") {
        return Ok(());
    }
    // Offline it must find the crates of other platforms too, which a build here does not fetch.
    let fetched = c.cargo("fetch --locked").succeeds()?;
    let good = fetched
        && c.cargo("deny --offline --all-features check --hide-inclusion-graph licenses bans sources")
            .succeeds()?;
    c.report.ended("licences, bans, sources", good);
    c.report.skipped("advisories", "they need the net and change with the day");
    Ok(())
}
