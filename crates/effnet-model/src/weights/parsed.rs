//! The outcome of parsing a file's bytes.

/// Why a file's bytes are refused. The caller, which knows the path, adds it.
#[derive(Debug)]
pub(super) struct Malformed(pub(super) String);

/// A parser's result.
pub(super) type Parsed<T> = Result<T, Malformed>;

impl Malformed {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// Why no weights are taken of a file.
#[derive(Debug)]
pub(super) enum Refused {
    Malformed(Malformed),
    /// There are none under the key that was asked for. There are some under these.
    NoSuchKey(Vec<String>),
}

impl From<Malformed> for Refused {
    fn from(reason: Malformed) -> Self {
        Self::Malformed(reason)
    }
}
