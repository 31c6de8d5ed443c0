//! Views of images as numbers.

/// Views of images, normalised.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The numbers, channels last.
    pub pixels: Vec<f32>,
    /// Images, height, width, and 3 channels.
    pub shape: [usize; 4],
}
