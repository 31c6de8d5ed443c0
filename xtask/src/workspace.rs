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
    /// Registries it may go to: `None` is any, an empty list is none (`publish = false`).
    publish: Option<Vec<String>>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

impl Workspace {
    pub(crate) fn read() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = Shell::new(here, "cargo").words("metadata --format-version 1 --no-deps").reads()?;
        serde_json::from_str(&text).context("the output of cargo metadata")
    }

    /// The crates of the product: all members but xtask.
    pub(crate) fn crates(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|p| p.name != env!("CARGO_PKG_NAME"))
    }
}

impl Package {
    pub(crate) fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|registries| !registries.is_empty())
    }

    pub(crate) fn is_library(&self) -> bool {
        self.targets.iter().any(|t| t.kind.iter().any(|k| k == "lib"))
    }

    /// The sets of features to build it with besides the default one, as arguments of cargo: none at all, and each
    /// one alone. A crate without features has no other set.
    pub(crate) fn feature_sets(&self) -> Vec<FeatureSet> {
        let named: Vec<&String> = self.features.keys().filter(|name| *name != "default").collect();
        if named.is_empty() {
            return Vec::new();
        }
        let alone = named.iter().map(|name| FeatureSet { feature: Some((*name).clone()) });
        std::iter::once(FeatureSet { feature: None }).chain(alone).collect()
    }
}

/// No feature, or one alone, without the default ones.
pub(crate) struct FeatureSet {
    pub(crate) feature: Option<String>,
}

impl FeatureSet {
    pub(crate) fn arguments(&self) -> String {
        match &self.feature {
            None => "--no-default-features".to_owned(),
            Some(name) => format!("--no-default-features --features {name}"),
        }
    }

    pub(crate) fn shown(&self) -> String {
        self.feature.clone().map_or("no features".to_owned(), |name| format!("feature {name} alone"))
    }

    /// Why this machine cannot build it, where it cannot.
    pub(crate) fn obstacle(&self) -> Option<&'static str> {
        match self.feature.as_deref() {
            Some("cuda") => Some("needs the CUDA toolkit"),
            Some("metal") => Some("needs macOS"),
            _ => None,
        }
    }
}
