//! Wrong labels: made by each of the three noise models, and measured or estimated.
//!
//! | model | labels go wrong | here |
//! |---|---|---|
//! | completely at random | depending neither on the image nor on the true class | [`symmetric`] |
//! | at random | depending on the true class | [`asymmetric`] with a [`Transition`]: CIFAR's published ones, pair flip, any matrix |
//! | not at random | depending on the image too | [`InstanceNoise`] by the image's features, [`confused`] by a network's predictions |
//!
//! All take a seeded generator and give the same labels for the same seed. A noise *rate* r draws the labels of exactly
//! `int(r N)` samples anew, as in the reference code, and not each with probability r; where a model is published otherwise, its
//! documentation says so. A label that is drawn anew may be right by chance; [`noise_rate`] and [`LabelNoise`] measure the real rate.
//!
//! Rate 0 changes no label. A class without samples, and a set without samples, are no error anywhere.

mod asymmetric;
mod cifar;
mod confused;
mod draw;
mod instance;
mod inverse;
mod joint;
mod measured;
mod streams;
mod symmetric;
mod transition;

pub use asymmetric::asymmetric;
pub use confused::confused;
pub use instance::InstanceNoise;
pub use joint::{EstimationError, LabelNoise};
pub use measured::{measured_transition, noise_rate};
pub use symmetric::symmetric;
pub use transition::Transition;
