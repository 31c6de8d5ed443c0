//! What a crate must not bring to those who depend on it: a table held against `cargo tree`.

use super::Context;
use anyhow::{Context as _, Result};
use std::fmt::Write;

/// A rule for the dependencies that a crate has without its default features.
struct Rule {
    package: &'static str,
    /// Packages that are nowhere below it; `name-*` is every package whose name begins so.
    forbidden: &'static [&'static str],
    /// Packages that are there only as dependencies of another one: `(package, below)`.
    only_below: &'static [(&'static str, &'static str)],
}

/// The training loop is for any network and any source of images: it knows no architecture, no files and no program.
const RULES: [Rule; 1] = [Rule {
    package: "dividemix",
    forbidden: &["effnet-*", "image-folder", "image", "csv", "toml", "clap", "hf-hub"],
    only_below: &[("zip", "candle-core"), ("memmap2", "candle-core")],
}];

pub(super) fn run(c: &mut Context) -> Result<()> {
    for Rule { package, forbidden, only_below } in RULES {
        let tree = c
            .cargo(&format!(
                "tree --locked --package {package} --no-default-features --edges normal --target all --no-dedupe --prefix depth \
                 --format |{{p}}"
            ))
            .reads()?;
        let broken = broken(&paths(&tree)?, forbidden, only_below);
        if broken.is_empty() {
            c.report.passed(package);
        } else {
            let list = broken.iter().fold(String::new(), |mut list, path| {
                // Writing to a text does not fail.
                let _ = write!(list, "\n  {path}");
                list
            });
            eprintln!("{package} without its default features must not depend on these:{list}");
            c.report
                .failed(package, &format!("{} dependencies that it must not have, see above", broken.len()));
        }
    }
    Ok(())
}

/// Every package of the output of `cargo tree --prefix depth --format |{p}`, as the names from the root to it.
fn paths(tree: &str) -> Result<Vec<Vec<String>>> {
    let mut path: Vec<String> = Vec::new();
    let mut paths = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (depth, package) = line.split_once('|').with_context(|| format!("no line of a tree: {line}"))?;
        let name = package.split_whitespace().next().with_context(|| format!("no package: {line}"))?;
        path.truncate(depth.parse().with_context(|| format!("no depth: {line}"))?);
        path.push(name.to_owned());
        paths.push(path.clone());
    }
    Ok(paths)
}

/// The paths that break a rule, once each; what lies below such a package is not told.
fn broken(paths: &[Vec<String>], forbidden: &[&str], only_below: &[(&str, &str)]) -> Vec<String> {
    let is_forbidden = |name: &str| {
        forbidden
            .iter()
            .any(|rule| rule.strip_suffix('*').map_or(*rule == name, |start| name.starts_with(start)))
    };
    let mut broken: Vec<String> = Vec::new();
    for path in paths {
        let Some((name, above)) = path.split_last() else { continue };
        let is_misplaced =
            only_below.iter().any(|(package, below)| package == name && !above.iter().any(|a| a == below));
        let is_told = above.iter().any(|name| is_forbidden(name));
        if !is_told && (is_forbidden(name) || is_misplaced) {
            broken.push(path.join(" -> "));
        }
    }
    broken.sort();
    broken.dedup();
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    const TREE: &str = "0|loop v0.1.0 (crates/loop)\n\
        1|candle-core v0.11.1\n\
        2|zip v7.2.0\n\
        2|memmap2 v0.9.1\n\
        1|ops-model v0.1.0\n\
        2|image v0.25.1\n\
        1|noisy v0.1.0\n\
        2|image v0.25.1\n\
        3|csv v1.0.0\n";

    #[test]
    fn a_tree_is_read_as_paths_from_the_root() {
        let paths = paths(TREE).unwrap();
        assert_eq!(paths[2], ["loop", "candle-core", "zip"]);
        assert_eq!(paths[8], ["loop", "noisy", "image", "csv"]);
        assert!(super::paths("loop v0.1.0").is_err());
    }

    #[test]
    fn forbidden_packages_are_told_with_the_way_to_them() {
        let paths = paths(TREE).unwrap();
        assert_eq!(
            broken(&paths, &["ops-*", "image", "csv"], &[]),
            ["loop -> noisy -> image", "loop -> ops-model"]
        );
        assert!(broken(&paths, &["ops", "loop-*"], &[]).is_empty());
    }

    #[test]
    fn a_package_may_be_there_below_one_other_only() {
        let paths = paths(TREE).unwrap();
        assert!(broken(&paths, &[], &[("zip", "candle-core")]).is_empty());
        assert_eq!(broken(&paths, &[], &[("memmap2", "noisy")]), ["loop -> candle-core -> memmap2"]);
    }

    #[test]
    fn the_rules_are_for_crates_of_the_workspace() {
        let workspace = Workspace::read().unwrap();
        for Rule { package, .. } in RULES {
            assert!(workspace.crates().any(|p| p.name == package), "{package}");
        }
    }
}
