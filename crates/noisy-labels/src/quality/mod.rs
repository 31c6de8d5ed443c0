//! How trustworthy each given label is.
//!
//! One epoch's loss ranks labels poorly where noise depends on the class or the image. The margin, averaged over training, ranks
//! them well, and costs only the bookkeeping of [`MarginHistory`].

mod confident;
mod issue;
mod margins;
mod scores;

pub use confident::ConfidentJoint;
pub use issue::{label_issues, suggested_label};
pub use margins::{MarginHistory, MarginParts, combined_margins, margin_of_quality, quality_of_margin};
pub use scores::{normalized_margin, self_confidence};
