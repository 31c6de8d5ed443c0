//! The errors of this crate, in words for the person who gave the name or the file.

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

    /// Tensors of each kind, up to `shown` of them, and the number of the rest.
    pub(crate) fn summary(&self, shown: usize) -> String {
        let mut parts = Vec::new();
        if !self.missing.is_empty() {
            let names = listed(&self.missing, shown, String::clone);
            parts.push(format!("{} missing: {names}", self.missing.len()));
        }
        if !self.unexpected.is_empty() {
            let names = listed(&self.unexpected, shown, String::clone);
            parts.push(format!("{} not of this network: {names}", self.unexpected.len()));
        }
        if !self.misshapen.is_empty() {
            let shapes = listed(&self.misshapen, shown, |m| {
                format!("{} is {:?} where {:?} is needed", m.name, m.found, m.expected)
            });
            parts.push(format!("{} of another shape: {shapes}", self.misshapen.len()));
        }
        parts.join("; ")
    }

    /// Names of the tensors that differ.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let misshapen = self.misshapen.iter().map(|tensor| tensor.name.as_str());
        self.missing.iter().chain(&self.unexpected).map(String::as_str).chain(misshapen)
    }

    /// Keeps the tensors whose name is wanted.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.missing.retain(|name| wanted(name));
        self.unexpected.retain(|name| wanted(name));
        self.misshapen.retain(|tensor| wanted(&tensor.name));
    }
}

/// So many names are spelled out in a message, the rest are counted.
pub(crate) const NAMES_SHOWN: usize = 8;

/// The first `shown` of the items, and the number of the rest.
pub(crate) fn listed<T>(items: &[T], shown: usize, show: impl Fn(&T) -> String) -> String {
    let first: Vec<String> = items.iter().take(shown).map(show).collect();
    let rest = items.len() - first.len();
    let tail = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    first.join(", ") + &tail
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.summary(NAMES_SHOWN))
    }
}

/// The error type of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model whose classifiers get the features of several networks, or features of one's own, where whole networks are needed.
    #[error("{}: its classifiers are on {features}, so it holds no whole network", path.display())]
    Heads {
        /// The model's folder.
        path: PathBuf,
        /// What they are on, in words.
        features: &'static str,
    },
    /// Another library has no network that computes the same.
    #[error(
        "{library} has no network like this {name}: {reason}; export it as safetensors (for effmix) or onnx"
    )]
    NotIn {
        /// The library.
        library: &'static str,
        /// The architecture's name.
        name: String,
        /// Why the library has no such network.
        reason: String,
    },
    /// No architecture has that name.
    #[error("unknown architecture {name:?}; {}known: {known}", did_you_mean(nearest))]
    UnknownArch {
        /// The name as given.
        name: String,
        /// Known names that are like it, the nearest first.
        nearest: Vec<String>,
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
    /// A file holds no weights under the key that was asked for.
    #[error("{}: has no weights of a network under {key}; {}", path.display(), keys_to_give(known))]
    NoSuchKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The keys under which it holds some.
        known: Vec<String>,
    },
    /// The file's tensors are those of a network that is not of the family.
    #[error(
        "{}: the weights of {network}, which is not supported ({reason}); supported are EfficientNet-B0 to B7 and Lite0 to Lite4 \
         under the names of timm, torchvision or lukemelas",
        path.display()
    )]
    OtherNetwork {
        /// The file.
        path: PathBuf,
        /// The network that it looks like: `a ResNet`, `an unknown network`, or the name in timm's config.json.
        network: String,
        /// How the network was recognised: by a tensor, or by config.json; and how it differs from the nearest member, if its stem
        /// has the names of one.
        reason: String,
    },
    /// The file's tensors don't fit the network.
    #[error("{}: weights don't fit {arch}: {mismatch}; {advice}", path.display())]
    WeightsMismatch {
        /// The file.
        path: PathBuf,
        /// Architecture that was asked for.
        arch: String,
        /// Names and shapes.
        mismatch: Mismatch,
        /// Which published member the tensors are of, if they are one's, and what to do.
        advice: String,
    },
    /// Tensors given to [`crate::ParameterStore::load`] are not the store's.
    #[error("tensors don't fit the network: {0}")]
    Mismatch(Mismatch),
    /// A weights file that doesn't record its architecture and has the tensors of several, and no architecture was given.
    #[error(
        "{}: its tensors are those of {} alike, which differ in padding; give one with --arch",
        path.display(),
        candidates.join(" and of ")
    )]
    ArchNeeded {
        /// The file.
        path: PathBuf,
        /// Names of the architectures that it may be.
        candidates: Vec<String>,
    },
    /// A weights file that records another architecture than the one given.
    #[error("{}: holds {recorded}, not {given}; leave --arch out", path.display())]
    OtherArch {
        /// The file.
        path: PathBuf,
        /// The architecture that it records.
        recorded: String,
        /// The architecture that was given.
        given: String,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

fn did_you_mean(nearest: &[String]) -> String {
    match nearest.is_empty() {
        true => String::new(),
        false => format!("did you mean {}? ", nearest.join(" or ")),
    }
}

fn keys_to_give(known: &[String]) -> String {
    let known: Vec<&String> = known.iter().filter(|key| !key.is_empty()).collect();
    match known.is_empty() {
        true => "leave --weights-key out: it holds one set of weights, or none that is known".to_owned(),
        false => format!("--weights-key can be {}", listed(&known, NAMES_SHOWN, |key| (*key).clone())),
    }
}

impl Error {
    pub(crate) fn io(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }

    pub(crate) fn malformed(path: &std::path::Path, reason: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_path_buf(), reason: reason.into() }
    }
}
