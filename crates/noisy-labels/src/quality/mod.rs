//! How trustworthy each given label is.
//!
//! One epoch's loss ranks labels poorly where noise depends on the class or the image. The margin, averaged over training, ranks
//! them well, and costs only the bookkeeping of [`MarginHistory`].
//!
//! | function | answers |
//! |---|---|
//! | [`find_label_issues`] | from labels and predicted probabilities, which labels are wrong: all of the following in one call |
//! | [`normalized_margin`], [`self_confidence`], [`MarginHistory`] | how trustworthy each label is |
//! | [`ConfidentJoint`] | how many labels of which class are wrong |
//! | [`suggested_label`], [`label_issues`] | which class instead, and which labels to call wrong |

mod confident;
mod find;
mod issue;
mod margins;
mod scores;
pub mod signals;

pub use confident::ConfidentJoint;
pub use find::{Issue, find_label_issues};
pub use issue::{label_issues, suggested_label};
pub use margins::{MarginHistory, MarginParts, combined_margins, margin_of_quality, quality_of_margin};
pub use scores::{normalized_margin, self_confidence};
