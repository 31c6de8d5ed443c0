//! `--weights`: what a network starts from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The value of `--weights`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PathBuf", into = "PathBuf")]
pub enum Weights {
    /// `auto`: published ImageNet weights, from the cache or by one download.
    Auto,
    /// `none`: random numbers.
    None,
    /// A file, a run folder, or a name of weights on a hub.
    Model(PathBuf),
}

/// The weights that a network starts from: where they are, and which of those in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeightsSource<'a> {
    /// A path, or a name on a hub.
    pub(crate) name: &'a Path,
    /// `--weights-key`.
    pub(crate) key: Option<&'a str>,
}

/// The files that hold features of one's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnFeatures<'a> {
    /// `[N, F]`, f32.
    pub(crate) features: &'a Path,
    /// The image of each row; where there is none, rows are the images sorted by path.
    pub(crate) paths: Option<&'a Path>,
    /// The same of the held-out images, sorted by path; where there is none, they are in the first table as well.
    pub(crate) test: Option<&'a Path>,
    /// The folder of the set, which paths may begin with.
    pub(crate) data: Option<&'a Path>,
}

impl From<PathBuf> for Weights {
    fn from(said: PathBuf) -> Self {
        match said.to_str() {
            Some("auto") => Self::Auto,
            Some("none") => Self::None,
            _ => Self::Model(said),
        }
    }
}

impl From<OsString> for Weights {
    fn from(said: OsString) -> Self {
        PathBuf::from(said).into()
    }
}

impl From<Weights> for PathBuf {
    fn from(weights: Weights) -> Self {
        match weights {
            Weights::Auto => "auto".into(),
            Weights::None => "none".into(),
            Weights::Model(path) => path,
        }
    }
}
