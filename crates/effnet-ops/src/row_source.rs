//! Matrices whose rows are read from memory, or computed when a product or a filter asks for them.

use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ops::Range;

use crate::channels::{self, ChannelMap, Rows};
use crate::dispatch::Level;

/// A matrix [rows, columns] that hands out some of its rows at a time.
pub(crate) trait RowSource: Sync {
    fn columns(&self) -> usize;

    fn rows(&self) -> usize;

    /// Some of the rows. A source that computes its rows writes them to `scratch`.
    fn block<'s>(&'s self, rows: Range<usize>, scratch: &'s mut Vec<f32>) -> &'s [f32];

    /// Writes some of the rows to `to`.
    fn put(&self, rows: Range<usize>, to: &mut [f32]);

    /// All rows, computed in parallel where they are not in memory.
    fn whole(&self) -> Cow<'_, [f32]>;
}

/// Rows that are in memory.
pub(crate) struct StoredRows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) columns: usize,
}

impl RowSource for StoredRows<'_> {
    fn columns(&self) -> usize {
        self.columns
    }

    fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    fn block<'s>(&'s self, rows: Range<usize>, _: &'s mut Vec<f32>) -> &'s [f32] {
        &self.values[rows.start * self.columns..rows.end * self.columns]
    }

    fn put(&self, rows: Range<usize>, to: &mut [f32]) {
        to.copy_from_slice(&self.values[rows.start * self.columns..rows.end * self.columns]);
    }

    fn whole(&self) -> Cow<'_, [f32]> {
        Cow::Borrowed(self.values)
    }
}

/// Rows that [`channels::map`] computes from rows in memory.
pub(crate) struct MappedRows<'a, const N: usize, const P: usize, M> {
    pub(crate) level: Level,
    pub(crate) shape: Rows,
    pub(crate) inputs: [&'a [f32]; N],
    pub(crate) params: [&'a [f32]; P],
    pub(crate) map: M,
}

impl<const N: usize, const P: usize, M: ChannelMap<N, P>> RowSource for MappedRows<'_, N, P, M> {
    fn columns(&self) -> usize {
        self.shape.channels
    }

    fn rows(&self) -> usize {
        self.shape.groups * self.shape.rows
    }

    fn block<'s>(&'s self, rows: Range<usize>, scratch: &'s mut Vec<f32>) -> &'s [f32] {
        // SAFETY: `map_rows` writes every value.
        unsafe {
            filled(scratch, rows.len() * self.shape.channels, |out| {
                channels::map_rows(self.level, self.shape, rows, self.inputs, self.params, out, self.map);
            })
        }
    }

    fn put(&self, rows: Range<usize>, to: &mut [f32]) {
        // SAFETY: `map_rows` only puts values there.
        let to = unsafe { &mut *(std::ptr::from_mut(to) as *mut [MaybeUninit<f32>]) };
        channels::map_rows(self.level, self.shape, rows, self.inputs, self.params, to, self.map);
    }

    fn whole(&self) -> Cow<'_, [f32]> {
        Cow::Owned(channels::map(self.level, self.shape, self.inputs, self.params, self.map))
    }
}

/// The first `len` values of `scratch`, written by `write`.
///
/// # Safety
/// `write` must write all of them.
unsafe fn filled(
    scratch: &mut Vec<f32>,
    len: usize,
    write: impl FnOnce(&mut [MaybeUninit<f32>]),
) -> &mut [f32] {
    scratch.clear();
    scratch.reserve(len);
    write(&mut scratch.spare_capacity_mut()[..len]);
    // SAFETY: the caller's promise.
    unsafe { scratch.set_len(len) };
    scratch
}
