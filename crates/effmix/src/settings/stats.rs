//! What the defaults depend on: the size and shape of a set of images.

/// The shapes of some images, spread over the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// Images whose size was read.
    pub looked_at: usize,
    /// Those of them that are more than twice as long as wide, or the other way round: a square keeps less than half of them.
    pub long: usize,
    /// Width and height of one that is typical for these, in pixels.
    pub typical: (u32, u32),
}

impl Shape {
    /// Whether most images are so long that a square in their middle misses the better part.
    pub fn is_long(&self) -> bool {
        2 * self.long > self.looked_at
    }
}

/// What is known of the data before an image of it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetStats {
    /// Training images.
    pub images: usize,
    /// Classes.
    pub classes: usize,
    /// Short side of a typical image in pixels.
    pub side: usize,
    /// How far from square images are.
    pub shape: Shape,
    /// Whether it is the built-in demo set.
    pub demo: bool,
}
