//! The cases in which losses cannot be divided.

/// Why a set of losses gives no usable division. A trainer then trains plainly for the epoch, and shows this message.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Degenerate {
    /// Fewer losses than the mixture has free parameters.
    #[error("{count} losses: a mixture of two components needs {needed} at least")]
    TooFew {
        /// Number of losses.
        count: usize,
        /// Number needed.
        needed: usize,
    },
    /// Some losses are NaN or infinite.
    #[error(
        "{count} of {total} losses are not finite (the first: sample {first}): has training diverged? A smaller learning rate may help"
    )]
    NotFinite {
        /// Number of such losses.
        count: usize,
        /// Number of losses.
        total: usize,
        /// Index of the first such sample.
        first: usize,
    },
    /// All losses are the same, up to rounding.
    #[error("all losses are {loss}: the network has not begun to tell samples apart")]
    AllEqual {
        /// The smallest of them.
        loss: f64,
    },
    /// linfa found no mixture.
    #[error("the mixture could not be fitted: {reason}")]
    NotFitted {
        /// linfa's message.
        reason: String,
    },
    /// The components coincide, or one of them holds less than a sample.
    #[error(
        "the mixture collapsed into one component (means {} and {}, weights {} and {}): the losses form one heap",
        .means[0], .means[1], .weights[0], .weights[1]
    )]
    Collapsed {
        /// Means of the components.
        means: [f64; 2],
        /// Weights of the components.
        weights: [f64; 2],
    },
    /// No sample's clean probability is above the threshold: no labeled sample is left.
    #[error("no clean probability is above the threshold {threshold}: the labeled set would be empty")]
    NoneAbove {
        /// The threshold.
        threshold: f64,
    },
    /// Every sample's clean probability is above the threshold: no unlabeled sample is left.
    #[error("every clean probability is above the threshold {threshold}: the unlabeled set would be empty")]
    AllAbove {
        /// The threshold.
        threshold: f64,
    },
}
