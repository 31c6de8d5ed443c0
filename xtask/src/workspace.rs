//! The workspace as cargo sees it.

use crate::shell::Shell;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Root, build folder and member crates.
#[derive(Deserialize)]
pub(crate) struct Workspace {
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// A member crate.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Registries it may go to: `None` is any, an empty list is none (`publish = false`).
    publish: Option<Vec<String>>,
    manifest_path: PathBuf,
    features: BTreeMap<String, Vec<String>>,
}

impl Workspace {
    pub(crate) fn read() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = Shell::new(here, "cargo").words("metadata --format-version 1 --no-deps").reads()?;
        serde_json::from_str(&text).context("the output of cargo metadata")
    }

    /// The crates of the product: all members but those of xtask.
    pub(crate) fn crates(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|p| !p.folder().starts_with(self.root.join("xtask")))
    }
}

impl Package {
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }

    pub(crate) fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|registries| !registries.is_empty())
    }

    /// The features that are not on by default.
    pub(crate) fn further_features(&self) -> impl Iterator<Item = &str> {
        let by_default = |name: &String| name == "default" || self.default_features().contains(name);
        self.features.keys().filter(move |name| !by_default(name)).map(String::as_str)
    }

    pub(crate) fn default_features(&self) -> &[String] {
        self.features.get("default").map_or(&[], Vec::as_slice)
    }
}
