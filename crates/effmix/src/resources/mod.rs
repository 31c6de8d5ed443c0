//! What a run takes in time, memory and disk.
//!
//! | file | holds |
//! |---|---|
//! | `estimate`, `measure` | what a run will take, and how that is measured in a moment |
//! | `room`, `disk` | whether there is enough memory and disk for it |
//! | `budget` | what fits into a given time |
//! | `throughput` | how many images a second an architecture makes |

mod budget;
mod disk;
mod estimate;
mod measure;
mod room;
mod throughput;

pub(crate) use budget::choose;
pub use estimate::Estimate;
pub(crate) use measure::{EpochsDone, estimate};
pub(crate) use room::Room;
pub use throughput::{Task, Throughput, throughput, training_seconds};
