//! What can go wrong here, in words for the person who gave the name or the file.

use std::path::PathBuf;

/// Result of this crate's fallible functions. The forward passes alone return candle's, so that they compose with
/// other candle modules.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A tensor which is there, in another shape than the network's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// Name of the tensor, timm's.
    pub name: String,
    /// Shape that the network has.
    pub expected: Vec<usize>,
    /// Shape that the file has.
    pub found: Vec<usize>,
}

/// How a set of tensors differs from what a network needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Names which the network needs and the set lacks, sorted.
    pub missing: Vec<String>,
    /// Names which the set has and the network doesn't, sorted.
    pub unexpected: Vec<String>,
    /// Tensors with another shape than the network's, sorted by name.
    pub misshapen: Vec<Misshapen>,
}

impl Mismatch {
    /// Number of tensors that differ.
    pub(crate) fn len(&self) -> usize {
        self.missing.len() + self.unexpected.len() + self.misshapen.len()
    }

    /// Keeps the tensors whose name is wanted.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.missing.retain(|name| wanted(name));
        self.unexpected.retain(|name| wanted(name));
        self.misshapen.retain(|tensor| wanted(&tensor.name));
    }
}

/// So many names are spelled out in a message, the rest are counted.
const NAMES_SHOWN: usize = 8;

fn listed<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    let shown: Vec<String> = items.iter().take(NAMES_SHOWN).map(show).collect();
    let rest = items.len() - shown.len();
    let tail = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    shown.join(", ") + &tail
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        if !self.missing.is_empty() {
            parts.push(format!("{} missing: {}", self.missing.len(), listed(&self.missing, String::clone)));
        }
        if !self.unexpected.is_empty() {
            let names = listed(&self.unexpected, String::clone);
            parts.push(format!("{} not of this network: {names}", self.unexpected.len()));
        }
        if !self.misshapen.is_empty() {
            let shapes = listed(&self.misshapen, |m| {
                format!("{} is {:?} where {:?} is needed", m.name, m.found, m.expected)
            });
            parts.push(format!("{} of another shape: {shapes}", self.misshapen.len()));
        }
        f.write_str(&parts.join("; "))
    }
}

/// The error type of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another library has no network that computes the same.
    #[error(
        "{library} has no network like this {name}: {reason}; export it as safetensors (for effmix) or onnx"
    )]
    NotIn {
        /// The library.
        library: &'static str,
        /// The architecture's name.
        name: String,
        /// What is in the way.
        reason: String,
    },
    /// No architecture has that name.
    #[error("unknown architecture {name:?}; known: {known}")]
    UnknownArch {
        /// The name as given.
        name: String,
        /// All names, for the message.
        known: String,
    },
    /// An architecture's fields can't be built: from a damaged model card, or from settings out of range.
    #[error("architecture {name}: {reason}")]
    InvalidArch {
        /// Name of the architecture.
        name: String,
        /// Which field, what it is, what it may be.
        reason: String,
    },
    /// A file can't be opened, read, or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is not what it claims to be.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was found, and where.
        reason: String,
    },
    /// The file's tensors carry names of no layout that is known.
    #[error(
        "{}: tensor names of no known layout (timm's, torchvision's or lukemelas's EfficientNet): {examples}",
        path.display()
    )]
    UnknownLayout {
        /// The file.
        path: PathBuf,
        /// A few of its names.
        examples: String,
    },
    /// The file's tensors don't fit the network.
    #[error("{}: weights don't fit {arch}: {mismatch}; is it another --arch?", path.display())]
    WeightsMismatch {
        /// The file.
        path: PathBuf,
        /// Architecture that was asked for.
        arch: String,
        /// Names and shapes.
        mismatch: Mismatch,
    },
    /// Tensors given to [`crate::ParameterStore::load`] are not the store's.
    #[error("tensors don't fit the network: {0}")]
    Mismatch(Mismatch),
    /// A weights file without a record of its architecture, and none given.
    #[error(
        "{}: the file doesn't say which architecture it is (timm's plain and tf_ weights have the same names); give it with --arch",
        path.display()
    )]
    ArchNeeded {
        /// The file.
        path: PathBuf,
    },
    /// A weights file that records another architecture than the one given.
    #[error("{}: holds {recorded}, not {given}; leave --arch out", path.display())]
    OtherArch {
        /// The file.
        path: PathBuf,
        /// What it records.
        recorded: String,
        /// What was given.
        given: String,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl Error {
    pub(crate) fn io(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }

    pub(crate) fn malformed(path: &std::path::Path, reason: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_path_buf(), reason: reason.into() }
    }
}
