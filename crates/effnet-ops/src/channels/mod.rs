//! The three loops below every operation with something per channel (batch norm, pooling, gates,
//! biases): a map of [rows, channels] values, sums of them over the rows, and both at once in place.
//!
//! The rows are cut in groups (the images of a batch, or one group for all), each with its own
//! sums; a parameter is a group's own, or the same for all.

mod map;
#[cfg(test)]
mod reference;
mod rows;
mod sums;
mod update;

pub(crate) use map::{ChannelMap, map, map_rows};
pub(crate) use rows::{Rows, add_lanes};
pub(crate) use sums::{ChannelTerms, column_sums, sums, sums_here};
pub(crate) use update::{ChannelUpdate, total, update, update_rows};
