//! Sums of products over samples, as symmetric matrices of which only the lower triangle is made.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayViewMut2, Axis, NdFloat, s};
use rayon::prelude::*;

/// The number of columns of a product that one thread makes.
const PANEL: usize = 128;

/// Adds `factor` times `A^T B` to the lower triangle of a matrix.
pub(crate) fn add_product<T: NdFloat>(factor: T, a: &Array2<T>, b: &Array2<T>, sum: &mut Array2<T>) {
    let panels: Vec<ArrayViewMut2<'_, T>> = sum.axis_chunks_iter_mut(Axis(1), PANEL).collect();
    panels.into_par_iter().enumerate().for_each(|(panel, mut sum)| {
        let (first, columns) = (panel * PANEL, sum.ncols());
        let own = b.slice(s![.., first..first + columns]);
        let mut sum = sum.slice_mut(s![first.., ..]);
        general_mat_mul(factor, &a.slice(s![.., first..]).t(), &own, T::one(), &mut sum);
    });
}
