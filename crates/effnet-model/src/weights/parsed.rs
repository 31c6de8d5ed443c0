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
