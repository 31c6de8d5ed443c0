//! Each crate by itself: in a workspace build a crate can live on a feature that only its neighbour asked for.
//!
//! A crate sees its direct dependencies and its own features. Where a build of that crate alone gives these the same
//! features as a build that has passed already, the compiler would read the same again, so it is not asked: one crate alone
//! unites other features of the crates far below, and all of candle would be compiled anew for each.

use super::Context;
use super::testing::{self, Selection};
use anyhow::Result;
use std::collections::BTreeSet;

/// Crates as cargo resolves them, each with its features.
type Resolved = BTreeSet<String>;

/// A crate whose features are looked at.
struct Crate {
    name: String,
    further: Vec<String>,
    has_default: bool,
}

/// A crate's direct dependencies, first with those of its tests, then as its users get them.
const EDGES: [&str; 2] = ["normal,build,dev", "normal,build"];

pub(super) fn compiles(c: &mut Context) -> Result<()> {
    // The row `clippy` compiles the whole; the libraries without the programs, which turn some of their features on,
    // are little more.
    let programs: Vec<String> = c
        .workspace
        .packages
        .iter()
        .filter(|p| !p.is_published())
        .map(|p| format!("--exclude {}", p.name))
        .collect();
    let libraries = format!("--workspace {}", programs.join(" "));
    let good = c.cargo(&format!("check --all-targets {libraries}")).succeeds()?;
    c.report.ended("libraries without the program", good);
    let compiled = [resolve(c, "--workspace", EDGES[0])?, resolve(c, &libraries, EDGES[0])?];
    for Crate { name, further, has_default } in crates(c) {
        compile(c, &compiled, &name, &format!("--package {name}"))?;
        if has_default {
            let part = format!("{name}, no default features");
            compile(c, &compiled, &part, &format!("--package {name} --no-default-features"))?;
        }
        for feature in further {
            let part = format!("{name}, feature {feature}");
            compile(c, &compiled, &part, &format!("--package {name} --features {feature}"))?;
        }
    }
    Ok(())
}

/// Runs the tests of each crate that has default features without them. All that they stand on is built anew.
pub(super) fn tests(c: &mut Context) -> Result<()> {
    for Crate { name, has_default, .. } in crates(c) {
        if has_default {
            let which = Selection::alone(&name, "--no-default-features");
            testing::run(c, &format!("{name}, no default features"), &which, &[])?;
        }
    }
    Ok(())
}

fn crates(c: &Context) -> Vec<Crate> {
    c.workspace
        .crates()
        .map(|p| Crate {
            name: p.name.clone(),
            further: p.further_features().map(str::to_owned).collect(),
            has_default: !p.default_features().is_empty(),
        })
        .collect()
}

/// Compiles a crate alone, unless the compiler would see what it has seen.
fn compile(c: &mut Context, compiled: &[Resolved], part: &str, which: &str) -> Result<()> {
    for edges in EDGES {
        let sees = resolve(c, &format!("{which} --depth 1"), edges)?;
        if !compiled.iter().any(|whole| sees.is_subset(whole)) {
            let good = c.cargo(&format!("check --all-targets {which}")).succeeds()?;
            c.report.ended(part, good);
            return Ok(());
        }
    }
    c.report.passed(&format!("{part}: sees the same features"));
    Ok(())
}

fn resolve(c: &Context, which: &str, edges: &str) -> Result<Resolved> {
    let tree = format!("tree {which} --edges {edges} --prefix none --no-dedupe --format {{p}}|{{f}}");
    Ok(c.cargo(&tree).reads()?.lines().map(str::to_owned).collect())
}
