//! Which taps touch which pixels, along one axis.

use std::ops::Range;

use crate::window::Axis;

/// Output `first + t step` is a sum over inputs `t input_step + offset`, one for each of a fixed list of taps. The forward
/// pass has one such phase (step 1, input step = stride). The gradient of the input has as many as the stride: pixels that
/// leave the same remainder are touched by the same taps, at consecutive outputs (step = stride, input step 1).
pub(super) struct Phase {
    pub(super) first: usize,
    pub(super) step: usize,
    pub(super) count: usize,
    pub(super) input_step: usize,
    /// (offset, tap).
    pub(super) taps: Vec<(isize, usize)>,
}

impl Phase {
    pub(super) fn forward(axis: &Axis) -> Vec<Self> {
        let taps = (0..axis.kernel).map(|k| (k as isize - axis.before as isize, k)).collect();
        vec![Self { first: 0, step: 1, count: axis.output, input_step: axis.stride, taps }]
    }

    /// Input i is under tap k of output (i + before - k) / stride, where that is whole.
    pub(super) fn input_gradient(axis: &Axis) -> Vec<Self> {
        let stride = axis.stride as isize;
        let phase = |first: usize| {
            let offset = |k: usize| (first + axis.before) as isize - k as isize;
            let touching = (0..axis.kernel).filter(|k| offset(*k).rem_euclid(stride) == 0);
            let taps = touching.map(|k| (offset(k).div_euclid(stride), k)).collect();
            let count = (axis.input - first).div_ceil(axis.stride);
            Self { first, step: axis.stride, count, input_step: 1, taps }
        };
        (0..axis.stride.min(axis.input)).map(phase).collect()
    }

    /// The input under a tap of output `first + t step`, if inside.
    pub(super) fn under(&self, t: usize, offset: isize, inputs: usize) -> Option<usize> {
        usize::try_from((t * self.input_step) as isize + offset).ok().filter(|i| *i < inputs)
    }

    /// The t with every tap inside the input.
    pub(super) fn interior(&self, inputs: usize) -> Range<usize> {
        let inside = |t: usize| self.taps.iter().all(|(offset, _)| self.under(t, *offset, inputs).is_some());
        let first = (0..self.count).find(|t| inside(*t)).unwrap_or(self.count);
        let end = (first..self.count).rev().find(|t| inside(*t)).map_or(first, |t| t + 1);
        first..end
    }
}
