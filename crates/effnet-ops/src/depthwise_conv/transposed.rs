//! The transposed convolution, from dy to dx, as filters of dy: one for each phase of the stride.

use super::phase::Phase;
use crate::window::Window;

/// The filter from dy to the pixels of dx of one phase: every stride-th pixel from the first on, down and across.
pub(super) struct TransposedFilter {
    pub(super) first: [usize; 2],
    /// Line and column of dy under the first tap, less those of the pixel in its phase.
    pub(super) offset: [isize; 2],
    pub(super) kernel: [usize; 2],
    /// [kernel, channels].
    pub(super) taps: Vec<f32>,
}

impl TransposedFilter {
    /// The filters of all phases.
    pub(super) fn all(window: Window, taps: &[f32], channels: usize) -> Vec<Self> {
        let (down, across) = (Phase::input_gradient(&window.y), Phase::input_gradient(&window.x));
        let mut all = vec![];
        for down in &down {
            for across in &across {
                let mut taps_of_phase = vec![];
                // An axis' taps come with falling offsets, from one to the next.
                for (_, a) in down.taps.iter().rev() {
                    for (_, b) in across.taps.iter().rev() {
                        let tap = (a * window.x.kernel + b) * channels;
                        taps_of_phase.extend_from_slice(&taps[tap..tap + channels]);
                    }
                }
                let offset = |phase: &Phase| phase.taps.last().map_or(0, |(offset, _)| *offset);
                all.push(Self {
                    first: [down.first, across.first],
                    offset: [offset(down), offset(across)],
                    kernel: [down.taps.len(), across.taps.len()],
                    taps: taps_of_phase,
                });
            }
        }
        all
    }

    /// Number of lines (or columns) of dy that are read before and after a pixel's own, at least those given.
    pub(super) fn halo(&self, axis: usize, [before, after]: [usize; 2]) -> [usize; 2] {
        let last = self.offset[axis] + self.kernel[axis] as isize - 1;
        [before.max(self.offset[axis].min(0).unsigned_abs()), after.max(last.max(0).unsigned_abs())]
    }
}
