//! The cases in which losses give no mixture or no division.

/// The reason why a set of losses gives no usable division. A trainer then trains plainly for the epoch, and shows this message.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Degenerate {
    /// There are not more losses than the mixture has free parameters.
    #[error("there are {count} losses; a mixture of two components needs at least {needed}")]
    TooFew {
        /// The number of losses.
        count: usize,
        /// The smallest number that is enough.
        needed: usize,
    },
    /// Some losses are NaN or infinite.
    #[error(
        "{count} of {total} losses are not finite (the first is of sample {first}): training has probably diverged, and a smaller learning rate may help"
    )]
    NotFinite {
        /// The number of such losses.
        count: usize,
        /// The number of losses.
        total: usize,
        /// The index of the first such sample.
        first: usize,
    },
    /// All losses are the same, up to rounding.
    #[error("all losses are {loss}: the network does not tell samples apart yet")]
    AllEqual {
        /// The smallest of them.
        loss: f64,
    },
    /// linfa returned an error or a mixture that is not finite.
    #[error("the mixture could not be fitted: {reason}")]
    NotFitted {
        /// linfa's message, or the mixture.
        reason: String,
    },
    /// The components coincide, or one of them holds less than half a sample.
    #[error(
        "the mixture collapsed into one component (means {} and {}, weights {} and {}): the losses have one mode",
        .means[0], .means[1], .weights[0], .weights[1]
    )]
    Collapsed {
        /// The means of the components.
        means: [f64; 2],
        /// The weights of the components.
        weights: [f64; 2],
    },
    /// No sample's clean probability is above the threshold, so no sample would be labeled.
    #[error("no clean probability is above the threshold {threshold}: the labeled set would be empty")]
    NoneAbove {
        /// The threshold.
        threshold: f64,
    },
    /// Every sample's clean probability is above the threshold, so no sample would be unlabeled.
    #[error("every clean probability is above the threshold {threshold}: the unlabeled set would be empty")]
    AllAbove {
        /// The threshold.
        threshold: f64,
    },
}
