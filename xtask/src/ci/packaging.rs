//! The last steps: what would be published, and what it stands on.

use super::Context;
use anyhow::Result;

/// All in one call, so that a crate finds the ones below it in the packages just made: none is in a registry yet.
pub(super) fn package(c: &mut Context) -> Result<()> {
    let names: Vec<String> =
        c.workspace.crates().filter(|p| p.is_published()).map(|p| format!("--package {}", p.name)).collect();
    // At the desk there may be work that is not committed; a clean clone has none, and there it would be a mistake.
    let dirty = if c.strict { "" } else { " --allow-dirty" };
    let good = c.cargo(&format!("package --locked {}{dirty}", names.join(" "))).succeeds()?;
    c.report.ended(&format!("{} crates", names.len()), good);
    Ok(())
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
