//! Parallel loops whose results have the same bits for any number of threads: the work is cut in
//! pieces by its size alone, each piece is computed by one thread, and sums over pieces are taken
//! in the order of the pieces. Each piece is computed with denormals as zeros, and from beginning to end by one thread: a
//! piece starts no parallel loop of its own.
//!
//! The functions take their tasks as trait objects, so that what surrounds a task is compiled once for each type of result and
//! not for each caller.

use std::mem::MaybeUninit;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::denormals::flushed;
use crate::fork_join;

/// Values in a piece of elementwise work: 64 KiB, so that a piece and its inputs stay in the second
/// cache, and a wake-up of a thread is small against it.
pub(crate) const PIECE: usize = 16 * 1024;

/// A variable of at least so many values is updated in a parallel loop of its own. (Measured with the parameters of B0 and SGD on
/// two cores: 8, 16 and 32 pieces are equally fast; one piece, or no such limit, is slower.)
pub(crate) const LARGE: usize = 16 * PIECE;

/// A vector of `len` values, written in parallel: `write(i, piece)` gets the i-th piece of `piece`
/// values (the last may be shorter).
///
/// # Safety
/// `write` must write every value of the piece that it gets.
pub(crate) unsafe fn written(
    len: usize,
    piece: usize,
    write: &(dyn Fn(usize, &mut [MaybeUninit<f32>]) + Sync),
) -> Vec<f32> {
    // SAFETY: the caller's promise.
    unsafe { written_with(len, piece, write).0 }
}

/// As [`written`], with the results of `write` in the order of the pieces.
///
/// # Safety
/// That of [`written`].
pub(crate) unsafe fn written_with<T: Send>(
    len: usize,
    piece: usize,
    write: &(dyn Fn(usize, &mut [MaybeUninit<f32>]) -> T + Sync),
) -> (Vec<f32>, Vec<T>) {
    let mut values = Vec::with_capacity(len);
    let spare = &mut values.spare_capacity_mut()[..len];
    let pieces: Vec<_> = spare.chunks_mut(piece.max(1)).enumerate().collect();
    let found = map(pieces, &|(i, piece)| write(i, piece));
    // SAFETY: the caller promises that `write` wrote each piece, and the pieces make up `len`.
    unsafe { values.set_len(len) };
    (values, found)
}

/// The results of `task(0), .., task(n - 1)`, in that order.
pub(crate) fn tasks<T: Send>(n: usize, task: &(dyn Fn(usize) -> T + Sync)) -> Vec<T> {
    map((0..n).collect(), task)
}

/// The results of `task` for each of the inputs, in their order.
pub(crate) fn map<I: Send, T: Send>(inputs: Vec<I>, task: &(dyn Fn(I) -> T + Sync)) -> Vec<T> {
    let task = |input| flushed(|| task(input));
    let places: Vec<Mutex<(Option<I>, Option<T>)>> =
        inputs.into_iter().map(|input| Mutex::new((Some(input), None))).collect();
    fork_join::parallel_for(places.len(), &|i| {
        let input = lock(&places[i]).0.take();
        let output = input.map(task);
        lock(&places[i]).1 = output;
    });
    places
        .into_iter()
        .filter_map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner).1)
        .collect()
}

/// The list cut into runs of neighbours that have at most [`PIECE`] values together; an item with more is alone.
pub(crate) fn neighbours<T>(list: &[T], values: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut together = list.first().map_or(0, &values);
    let fits = |_: &T, next: &T| {
        let (with_next, next) = (together + values(next), values(next));
        together = if with_next <= PIECE { with_next } else { next };
        with_next <= PIECE
    };
    list.chunk_by(fits).collect()
}

/// No task panics while it holds a lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `task(0), .., task(n - 1)`, which may start parallel loops themselves: so they are not pieces, and do arithmetic only
/// in such loops and in kernels.
pub(crate) fn each(n: usize, task: &(dyn Fn(usize) + Sync)) {
    fork_join::parallel_for(n, task);
}

/// Adds vectors of equal length up, in their order, in parallel over the elements.
pub(crate) fn sum_in_order(parts: Vec<Vec<f32>>) -> Vec<f32> {
    let mut parts = parts.into_iter();
    let Some(mut total) = parts.next() else { return vec![] };
    let rest: Vec<Vec<f32>> = parts.collect();
    if rest.is_empty() {
        return total;
    }
    map(total.chunks_mut(PIECE).enumerate().collect(), &|(i, total): (usize, &mut [f32])| {
        for part in &rest {
            let part = &part[i * PIECE..i * PIECE + total.len()];
            for (t, p) in total.iter_mut().zip(part) {
                *t += p;
            }
        }
    });
    total
}

/// A place in a result that several tasks write, each its own values.
#[derive(Clone, Copy)]
pub(crate) struct SharedPointer(pub(crate) *mut f32);

// SAFETY: whoever writes through it promises to write values that no other task reads or writes.
unsafe impl Send for SharedPointer {}
// SAFETY: as above.
unsafe impl Sync for SharedPointer {}

impl SharedPointer {
    /// The place `offset` values on.
    pub(crate) fn at(self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}
