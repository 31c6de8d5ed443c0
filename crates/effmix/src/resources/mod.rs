//! What a run takes in time, memory and disk.
//!
//! | file | holds |
//! |---|---|
//! | `estimate`, `measure` | what a run will take, and how that is measured in a moment |
//! | `not_cached` | what of the images is in no cache yet |
//! | `timetable` | its time, part by part |
//! | `available`, `disk` | whether there is enough memory and disk for it |
//! | `budget` | what fits into a given time |
//! | `throughput` | how many images a second an architecture makes |

mod available;
mod budget;
mod disk;
mod estimate;
mod measure;
mod not_cached;
mod throughput;
mod timetable;

pub(crate) use available::AvailableResources;
pub(crate) use budget::choose;
pub use estimate::Estimate;
pub(crate) use measure::{EpochsDone, Here, estimate};
pub use throughput::{Task, Throughput, throughput, training_seconds};
pub use timetable::Timetable;
pub(crate) use timetable::{Epoch, Pace, Part, Stage};
