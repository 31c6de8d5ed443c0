//! Views of samples: the tensors that networks get.

use candle_core::Tensor;

use crate::Result;

/// One random view of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The sample's index in its set.
    pub sample: usize,
    /// Key of the view's random choices: the same key gives the same view.
    pub seed: u64,
}

/// A kind of random view of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewKind {
    /// An augmented view.
    Weak,
    /// A view to train on: a strong one with [`crate::Hyperparameters::strong_views`], else an augmented one.
    Strong,
}

/// A source of samples as tensors: of images by decoding and augmenting, or of cached features.
///
/// # Shapes
/// A batch of B views is `[B, ...]`, as the network takes it: `[B, H, W, 3]` for images, `[B, F]` for features. Its device and type are
/// those of the network.
pub trait ViewSource: Send + Sync {
    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there are no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples without augmentation, as at test time.
    ///
    /// # Errors
    /// When a sample can't be read.
    fn plain(&self, samples: &[usize]) -> Result<Tensor>;

    /// One random view of each.
    ///
    /// # Errors
    /// When a sample can't be read.
    fn augmented(&self, views: &[View]) -> Result<Tensor>;

    /// One random view of each, which differs further from the sample: trained on where [`crate::Hyperparameters::strong_views`]
    /// says so. The default is augmented views.
    ///
    /// # Errors
    /// When a sample can't be read.
    fn strong(&self, views: &[View]) -> Result<Tensor> {
        self.augmented(views)
    }

    /// All views that a step needs, a tensor for each kind that is wanted. The default makes one after the other; a source whose
    /// tensors are on a device copies all of them there at once.
    ///
    /// # Errors
    /// When a sample can't be read.
    fn together(&self, wanted: &[(ViewKind, Vec<View>)]) -> Result<Vec<Tensor>> {
        one_by_one(self, wanted)
    }
}

/// Views of each kind that is wanted, made one kind after the other.
///
/// # Errors
/// When a sample can't be read.
pub fn one_by_one<S: ViewSource + ?Sized>(
    source: &S,
    wanted: &[(ViewKind, Vec<View>)],
) -> Result<Vec<Tensor>> {
    let made = |(kind, views): &(ViewKind, Vec<View>)| match kind {
        ViewKind::Weak => source.augmented(views),
        ViewKind::Strong => source.strong(views),
    };
    wanted.iter().map(made).collect()
}
