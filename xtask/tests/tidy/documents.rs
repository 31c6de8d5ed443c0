//! Rules for what people read.

use crate::repository::{File, none, root, text_files};
use std::path::Path;

fn documents() -> Vec<File> {
    text_files().into_iter().filter(|f| f.is(".md")).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// `](TARGET)` of a line, outside of code spans.
fn link_targets(line: &str) -> Vec<String> {
    let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join(" ");
    prose.split("](").skip(1).filter_map(|rest| Some(rest.split(')').next()?.to_owned())).collect()
}

/// The anchor that a heading gets where Markdown is shown.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn links_within_the_project_lead_somewhere() {
    let mut places = Vec::new();
    for file in documents() {
        let mut in_code = false;
        for (number, line) in file.lines() {
            if line.trim_start().starts_with("```") {
                in_code = !in_code;
            }
            if in_code {
                continue;
            }
            for target in
                link_targets(line).iter().filter(|t| !t.contains("://") && !t.starts_with("mailto:"))
            {
                let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
                let here = root().join(&file.path);
                let there = match path {
                    "" => here.clone(),
                    _ => here.parent().unwrap_or(Path::new("")).join(path),
                };
                let headings = std::fs::read_to_string(&there).unwrap_or_default();
                let has_heading = fragment.is_empty()
                    || headings.lines().any(|l| l.starts_with('#') && anchor(l) == fragment);
                if !there.exists() || !has_heading {
                    places.push(format!("{}:{number}: {target}", file.path));
                }
            }
        }
    }
    none("links that lead nowhere", places);
}

#[test]
fn the_architecture_page_and_the_readme_name_every_crate() {
    let mut places = Vec::new();
    for page in ["README.md", "docs/architecture.md"] {
        let text = read(page);
        for entry in std::fs::read_dir(root().join("crates")).expect("the folder of crates") {
            let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
            if !text.contains(&name) {
                places.push(format!("{page}: {name}"));
            }
        }
    }
    none("crates that a page does not name", places);
}

#[test]
fn the_changelog_has_an_entry_for_the_version() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("a manifest that cargo reads");
    let version =
        manifest["workspace"]["package"]["version"].as_str().expect("one version for all").to_owned();
    let has_entry =
        read("CHANGELOG.md").lines().any(|line| line.starts_with("## ") && line.contains(&version));
    assert!(has_entry, "CHANGELOG.md has no `## {version}` heading");
}

#[test]
fn both_licences_are_there() {
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(!read(name).is_empty(), "{name}");
    }
}

#[test]
fn anchors_are_made_as_markdown_viewers_make_them() {
    assert_eq!(anchor("## What it does, and why"), "what-it-does-and-why");
    assert_eq!(link_targets("see [a](b.md#c) and `[x](y)` and [d](e)"), ["b.md#c", "e"]);
}
