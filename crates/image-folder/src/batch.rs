//! Views of images as numbers.

/// A batch of normalised views, as numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The numbers, image by image, row by row, with the three channels of a pixel next to each other.
    pub pixels: Vec<f32>,
    /// `[N, height, width, 3]`, the number of images first.
    pub shape: [usize; 4],
}
