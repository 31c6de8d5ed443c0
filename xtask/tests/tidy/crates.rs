//! Rules for the crates: what each has, and which may know which.

use crate::repository::{none, root};
use std::path::PathBuf;

/// Which crates a crate may know, from bottom to top (docs/architecture.md). Dev-dependencies count too.
const ARROWS: [(&str, &[&str]); 10] = [
    ("replace-file", &[]),
    ("cuda-delayed", &[]),
    ("effnet-ops", &["cuda-delayed"]),
    ("effnet-model", &["effnet-ops", "replace-file"]),
    ("noisy-labels", &[]),
    ("image-folder", &["replace-file"]),
    // The networks and the fused steps by its feature `effnet`, folders of images in an example: the step `dependencies` of
    // `cargo xtask ci` holds that its users get neither.
    ("dividemix", &["noisy-labels", "replace-file", "effnet-model", "effnet-ops", "image-folder"]),
    ("effmix-report", &["replace-file"]),
    (
        "effmix",
        // It asks cuda-delayed, by its feature `cuda`, which of NVIDIA's libraries is missing.
        &[
            "effmix-report",
            "dividemix",
            "image-folder",
            "effnet-model",
            "noisy-labels",
            "replace-file",
            "cuda-delayed",
        ],
    ),
    ("cli", &["effmix", "effmix-report", "dividemix", "image-folder", "effnet-model", "noisy-labels"]),
];

struct Crate {
    folder: PathBuf,
    name: String,
    manifest: toml::Table,
}

impl Crate {
    /// All names in all its dependency tables, those for one platform too.
    fn dependencies(&self) -> Vec<String> {
        let mut tables: Vec<&toml::Table> = vec![&self.manifest];
        if let Some(platforms) = self.manifest.get("target").and_then(toml::Value::as_table) {
            tables.extend(platforms.values().filter_map(toml::Value::as_table));
        }
        let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
        tables
            .iter()
            .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()))
            .flat_map(|table| table.keys().cloned())
            .collect()
    }

    fn is_published(&self) -> bool {
        self.manifest["package"].get("publish").and_then(toml::Value::as_bool) != Some(false)
    }
}

fn crates() -> Vec<Crate> {
    let entries = std::fs::read_dir(root().join("crates")).expect("the folder of crates");
    entries
        .filter_map(|entry| {
            let folder = entry.expect("an entry").path();
            let text = std::fs::read_to_string(folder.join("Cargo.toml")).ok()?;
            let manifest: toml::Table = text.parse().expect("a manifest that cargo reads");
            let name = manifest["package"]["name"].as_str()?.to_owned();
            Some(Crate { folder, name, manifest })
        })
        .collect()
}

#[test]
fn a_crate_lies_in_a_folder_of_its_name_and_in_the_table_of_arrows() {
    let all = crates();
    none(
        "crates without a line in ARROWS, or elsewhere than their name says",
        all.iter()
            .filter(|c| !c.folder.ends_with(&c.name) || !ARROWS.iter().any(|(name, _)| *name == c.name))
            .map(|c| c.name.clone()),
    );
    assert_eq!(all.len(), ARROWS.len(), "a line in ARROWS without a crate");
}

#[test]
fn arrows_point_down_only() {
    let mut places = Vec::new();
    for c in crates() {
        let known = ARROWS.iter().find(|(name, _)| *name == c.name).map_or(&[][..], |(_, known)| known);
        for below in c.dependencies() {
            if ARROWS.iter().any(|(name, _)| *name == below) && !known.contains(&below.as_str()) {
                places.push(format!("{} -> {below}", c.name));
            }
        }
    }
    none("dependencies that docs/architecture.md rules out", places);
}

#[test]
fn a_dependency_has_its_version_in_the_workspace_table() {
    let mut places = Vec::new();
    for c in crates() {
        let text = std::fs::read_to_string(c.folder.join("Cargo.toml")).expect("read before");
        for (number, line) in text.lines().enumerate() {
            if line.contains("version = \"") {
                places.push(format!("{}/Cargo.toml:{}", c.name, number + 1));
            }
        }
    }
    none("versions outside the workspace's table", places);
}

#[test]
fn a_crate_has_a_readme_whose_code_is_compiled() {
    let mut places = Vec::new();
    for c in crates() {
        let read = |path: &str| std::fs::read_to_string(c.folder.join(path)).unwrap_or_default();
        if !read("README.md").starts_with("# ") {
            places.push(format!("{}: no README.md with a title", c.name));
        }
        if c.is_published() {
            if !read("src/lib.rs").contains(r#"#![doc = include_str!("../README.md")]"#) {
                places.push(format!("{}: src/lib.rs does not include README.md", c.name));
            }
            if !read("README.md").contains("```rust") {
                places.push(format!("{}: README.md has no ```rust example", c.name));
            }
        }
    }
    none("READMEs", places);
}

#[test]
fn a_published_crate_says_what_a_registry_wants_to_know() {
    let wanted = ["description", "license", "repository", "readme", "rust-version", "categories", "keywords"];
    let mut places = Vec::new();
    for c in crates().iter().filter(|c| c.is_published()) {
        for key in wanted {
            if c.manifest["package"].get(key).is_none() {
                places.push(format!("{}: {key}", c.name));
            }
        }
    }
    none("missing in [package]", places);
}

/// A package holds what lies in its folder alone, so each has the licences; a link to the repository's is packed as the file.
#[test]
fn a_published_crate_has_the_licences_of_the_repository() {
    let mut places = Vec::new();
    for c in crates().iter().filter(|c| c.is_published()) {
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let read = |folder: &std::path::Path| std::fs::read(folder.join(licence)).ok();
            if read(&c.folder) != read(&root()) {
                places.push(format!("{}: {licence} is not the repository's", c.name));
            }
        }
    }
    none("licences", places);
}

#[test]
fn a_published_crate_has_examples_and_needs_no_file_outside_of_its_folder() {
    let mut places = Vec::new();
    for c in crates().iter().filter(|c| c.is_published()) {
        if std::fs::read_dir(c.folder.join("examples")).is_err() {
            places.push(format!("{}: no examples", c.name));
        }
        // From src/lib.rs, two folders up is outside.
        let library = std::fs::read_to_string(c.folder.join("src/lib.rs")).unwrap_or_default();
        if library.contains("include_str!(\"../../") {
            places.push(format!("{}: src/lib.rs includes a file of another folder", c.name));
        }
    }
    none("packages", places);
}

#[test]
fn a_crate_keeps_the_lints_of_the_workspace() {
    none(
        "no `[lints] workspace = true`",
        crates()
            .iter()
            .filter(|c| c.manifest.get("lints").is_none_or(|l| l["workspace"].as_bool() != Some(true)))
            .map(|c| c.name.clone()),
    );
}
