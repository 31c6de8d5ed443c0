//! Several views of each image, whose logits are averaged (test-time augmentation).

use candle_core::{Result, Tensor, bail};

/// Which views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestViews {
    /// The image, and its mirror image.
    Flip,
    /// The four corners and the middle, of so many pixels each side, of a larger image (Krizhevsky et al. 2012, without the mirror
    /// images).
    Crops {
        /// Side of a crop.
        size: usize,
    },
}

impl TestViews {
    /// The views, each of all images: [N, H, W, 3] -> [N, h, w, 3] each.
    ///
    /// # Errors
    /// If `images` has another rank, or is smaller than a crop.
    pub fn of(self, images: &Tensor) -> Result<Vec<Tensor>> {
        let (_, height, width, _) = images.dims4()?;
        match self {
            Self::Flip => Ok(vec![images.clone(), images.flip(&[2])?]),
            Self::Crops { size } => {
                let (Some(down), Some(right)) = (height.checked_sub(size), width.checked_sub(size)) else {
                    bail!("crops of {size} pixels of images of {height} x {width}")
                };
                let corners = [(0, 0), (0, right), (down, 0), (down, right), (down / 2, right / 2)];
                let crop = |(top, left)| images.narrow(1, top, size)?.narrow(2, left, size)?.contiguous();
                corners.into_iter().map(crop).collect()
            }
        }
    }
}
