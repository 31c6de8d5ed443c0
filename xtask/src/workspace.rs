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
    /// The oldest Rust that compiles it.
    rust_version: Option<String>,
}

/// The feature by which a crate computes on NVIDIA GPUs. It needs NVIDIA's compiler, so it has checks of its own.
pub(crate) const CUDA: &str = "cuda";

impl Workspace {
    pub(crate) fn read() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = Shell::new(here, "cargo").words("metadata --format-version 1 --no-deps").reads()?;
        serde_json::from_str(&text).context("the output of cargo metadata")
    }

    /// The folder with the sources of a dependency, of any crate with any feature.
    ///
    /// # Errors
    /// No crate depends on it, or cargo can't fetch the sources.
    pub(crate) fn dependency(&self, name: &str) -> Result<PathBuf> {
        #[derive(Deserialize)]
        struct All {
            packages: Vec<Package>,
        }
        let text = Shell::new(&self.root, "cargo")
            .words("metadata --format-version 1 --locked --all-features")
            .reads()?;
        let all: All = serde_json::from_str(&text).context("the output of cargo metadata")?;
        let found = all.packages.iter().find(|package| package.name == name);
        Ok(found.with_context(|| format!("no crate depends on {name}"))?.folder().to_owned())
    }

    /// The oldest Rust that Cargo.toml promises, as `1.95`.
    pub(crate) fn oldest_rust(&self) -> Result<&str> {
        let promised = self.packages.iter().find_map(|package| package.rust_version.as_deref());
        promised.context("Cargo.toml has no rust-version")
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

    /// The features that are not on by default, without `cuda`.
    pub(crate) fn further_features(&self) -> impl Iterator<Item = &str> {
        let elsewhere =
            |name: &String| name == "default" || name == CUDA || self.default_features().contains(name);
        self.features.keys().filter(move |name| !elsewhere(name)).map(String::as_str)
    }

    pub(crate) fn has_cuda(&self) -> bool {
        self.features.contains_key(CUDA)
    }

    pub(crate) fn default_features(&self) -> &[String] {
        self.features.get("default").map_or(&[], Vec::as_slice)
    }
}
