//! What the defaults depend on: the size and shape of a set of images.

/// What is known of the data before an image of it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetStats {
    /// Training images.
    pub images: usize,
    /// Classes.
    pub classes: usize,
    /// Short side of a typical image in pixels.
    pub side: usize,
    /// Whether it is the built-in demo set.
    pub demo: bool,
}
