//! The two-component Gaussian mixture of per-sample losses (Arazo et al. 2019; DivideMix, section 3.1).
//!
//! Networks fit clean labels first, so the losses of clean and of wrong labels form two modes. The component with the
//! smaller mean is the clean one, and a sample's posterior of it is the probability that its label is clean.
//!
//! | file | holds |
//! |---|---|
//! | `normalised` | losses, min-max normalised: what a mixture is fitted to |
//! | `settings`, `gaussians` | how a mixture is fitted, and the fitted mixture |
//! | `fit` | linfa's expectation maximisation, started from k-means, and what it needs around it |
//! | `representatives` | few numbers that stand for many losses in a fit |
//! | `degenerate` | the cases in which there is no mixture or no division |

mod degenerate;
mod fit;
mod gaussians;
mod normalised;
mod representatives;
mod settings;

pub use degenerate::Degenerate;
pub use fit::fit;
pub use gaussians::Mixture;
pub use normalised::{NormalisedLosses, min_max};
pub use settings::MixtureSettings;
