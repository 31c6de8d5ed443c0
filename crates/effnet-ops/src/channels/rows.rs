//! The shape of what the loops over channels take, and how they read it.

use crate::simd::Simd;

/// Rows that are added in f32.
pub(super) const CHAIN: usize = 32;

/// The shape [groups * rows, channels] of a tensor whose last dimension is the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) groups: usize,
    /// Rows of a group.
    pub(crate) rows: usize,
    pub(crate) channels: usize,
}

impl Rows {
    /// One group: every row of a tensor of shape [.., channels].
    pub(crate) fn of(dims: &[usize]) -> Self {
        let channels = dims.last().copied().unwrap_or(1);
        Self { groups: 1, rows: dims[..dims.len().max(1) - 1].iter().product(), channels }
    }

    /// A group an image: [images, .., channels].
    pub(crate) fn by_image(dims: &[usize]) -> Self {
        let all = Self::of(dims);
        Self { groups: dims[0], rows: all.rows / dims[0].max(1), ..all }
    }

    pub(super) fn len(self) -> usize {
        self.groups * self.rows * self.channels
    }
}

/// The kernels trust these lengths.
pub(super) fn check(shape: Rows, inputs: &[&[f32]], params: &[&[f32]]) {
    assert!(inputs.iter().all(|x| x.len() == shape.len()), "inputs of {} values", shape.len());
    let fits = |len: usize| len == shape.groups * shape.channels || len == shape.channels;
    assert!(params.iter().all(|p| fits(p.len())), "parameters for each channel");
}

/// Where a group's parameters begin.
#[derive(Clone, Copy)]
pub(super) struct Parameter {
    pub(super) values: *const f32,
    /// Values from a group's parameters to the next group's; 0 if the groups share them.
    step: usize,
}

impl Parameter {
    pub(super) fn new(shape: Rows, values: &[f32]) -> Self {
        let step = if values.len() == shape.channels { 0 } else { shape.channels };
        Self { values: values.as_ptr(), step }
    }

    #[inline(always)]
    pub(super) fn at(self, group: usize) -> usize {
        group * self.step
    }
}

/// Vectors that are computed in step, [`crate::simd::Wide`]: three divide the widths of the family best, which are multiples of 48.
pub(super) const IN_STEP: usize = 3;

/// Adds the vector's first values to as many sums.
#[inline(always)]
pub(crate) fn add_lanes<S: Simd>(s: S, vector: S::F, sums: &mut [f64]) {
    let mut lanes = [0f32; 16 * IN_STEP];
    // SAFETY: so many values hold a vector of any level, and as many of them as are computed in step.
    unsafe { s.store(lanes.as_mut_ptr(), vector) };
    for (sum, lane) in sums.iter_mut().zip(&lanes) {
        *sum += f64::from(*lane);
    }
}

/// A vector at `at` from each of the arrays.
///
/// # Safety
/// `n` values are readable there; n is the vector's length if `FULL`, else less.
#[inline(always)]
pub(super) unsafe fn load_all<S: Simd, const N: usize, const FULL: bool>(
    s: S,
    arrays: &[*const f32; N],
    at: usize,
    n: usize,
) -> [S::F; N] {
    let mut out = [s.splat(0.0); N];
    for (out, array) in out.iter_mut().zip(arrays) {
        // SAFETY: the caller's promise.
        *out = unsafe { s.load_if::<FULL>(array.add(at), n) };
    }
    out
}
