//! Co-divide (DivideMix, Algorithm 1, lines 4-6): which samples keep their label this epoch.
//!
//! | file | holds |
//! |---|---|
//! | `divider` | [`Divider`]: from losses to a division, by one mixture or by one a class |
//! | `whole`, `by_class` | both kinds of division |
//! | `partition` | [`Division`]: which samples are labeled, and how probable it is that each label is clean |
//! | `separation` | how far apart the two modes of a mixture are |

mod by_class;
mod divider;
mod partition;
mod separation;
mod whole;

pub use divider::{Divider, DivisionScope, SampleLosses};
pub use partition::Division;
