//! Signals of wrong labels from the features of a pretrained network, and their combination.
//!
//! Each signal is a margin for every sample: above 0 where the given label is the most probable class, below 0 where another is.
//! None of them has learnt from the label that it judges.
//!
//! | item | holds |
//! |---|---|
//! | [`FeatureSignals`] | all of the following, as they are combined: from features to the quality of each label |
//! | [`OutOfFold`] | logits by a linear classifier of the other folds: logistic regression, discriminant analysis |
//! | [`Neighbours`] | the most similar samples, within a set or between two, and their votes |
//! | [`prototype_logits`] | the similarity with each class's mean |
//! | [`kept_labels`] | which labels a second round learns from |
//! | [`logit_margins`], [`share_margins`] | the margin of each label |
//! | [`combined_quality`] | several signals as one quality |

mod combine;
mod discriminant;
mod feature_signals;
mod kept;
mod lbfgs;
mod logistic;
mod margin;
mod neighbours;
mod out_of_fold;
mod prototypes;
mod votes;

pub use combine::{Signal, combined_quality};
pub use discriminant::SHRINKAGE;
pub use feature_signals::{FeatureSignals, NEIGHBOURS, VOTE_TEMPERATURE, WEIGHTS, Weights};
pub use kept::kept_labels;
pub use logistic::LogisticSettings;
pub use margin::{logit_margins, share_margins};
pub use neighbours::{Neighbour, Neighbours};
pub use out_of_fold::OutOfFold;
pub use prototypes::prototype_logits;
pub use votes::vote_similarity;
