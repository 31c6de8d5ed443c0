//! How many labels are wrong, as far as predictions can tell.
//!
//! A classifier that disagrees with a label shows one of two things: the label is wrong, or the image is difficult. One image does
//! not show which. But the two depend differently on the classifier's certainty. A
//! difficult image makes the classifier uncertain, so disagreement by difficulty vanishes where the classifier is
//! surest; disagreement by a wrong label does not. This only holds for samples whose labels the classifier has
//! not learnt, so the predictions must be out of sample: of held-out images, or by [`out_of_fold_scores`].
//!
//! | file | holds |
//! |---|---|
//! | `ridge` | scores of every sample, from its features, by a classifier that has not seen its label |
//! | `contradiction` | how often the labels of the surest predictions are contradicted |
//! | `range` | an estimate of the noise rate with a range, or why there is none |

mod contradiction;
mod range;
mod ridge;

pub use contradiction::Contradictions;
pub use range::{LabelEvidence, NoEvidence, NoiseRange};
pub use ridge::out_of_fold_scores;
