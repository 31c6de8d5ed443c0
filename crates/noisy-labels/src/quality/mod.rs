//! How trustworthy each given label is.
//!
//! One epoch's loss ranks labels poorly once noise depends on class or image; the margin averaged over training ranks
//! them well, and costs nothing but the bookkeeping of [`MarginHistory`].

mod confident;
mod issue;
mod margins;
mod scores;

pub use confident::ConfidentJoint;
pub use issue::{label_issues, suggested_label};
pub use margins::{MarginHistory, MarginParts, combined_margins, margin_of_quality, quality_of_margin};
pub use scores::{normalized_margin, self_confidence};

/// The class of the largest value; the first of tied ones, and 0 where there is none.
pub fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (class, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = class;
        }
    }
    best
}
