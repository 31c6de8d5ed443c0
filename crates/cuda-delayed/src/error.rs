//! What is missing, and why.

/// A library of NVIDIA's that can't be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{about} ({library}) can't be loaded: {reason}")]
#[non_exhaustive]
pub struct Error {
    /// What the library is, as `NVIDIA's driver`.
    pub about: &'static str,
    /// The name that the loader looks for, as `libcuda.so.1`.
    pub library: &'static str,
    /// What the loader says.
    pub reason: String,
}
