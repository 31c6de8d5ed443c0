//! The Cholesky decomposition of a large matrix, in blocks, so that most of the work is products of matrices.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayViewMut2, Axis, s};
use rayon::prelude::*;

/// The number of columns that are decomposed at once.
const BLOCK: usize = 64;

/// The number of columns of a product that one thread makes.
const PANEL: usize = 256;

/// `L` of `A = L L^T`: a lower triangular matrix.
pub(crate) struct Cholesky {
    /// What stands above the diagonal has no meaning.
    lower: Array2<f64>,
}

impl Cholesky {
    /// The decomposition of a symmetric matrix, of which only the lower triangle is read; `None` where it is not positive
    /// definite.
    pub(crate) fn of(mut matrix: Array2<f64>) -> Option<Self> {
        let n = matrix.nrows();
        for start in (0..n).step_by(BLOCK) {
            let end = n.min(start + BLOCK);
            decompose(matrix.slice_mut(s![start..end, start..end]))?;
            let (left, mut right) = matrix.view_mut().split_at(Axis(1), end);
            let (above, mut below) = left.split_at(Axis(0), end);
            let diagonal = above.slice(s![start.., start..]);
            let mut below = below.slice_mut(s![.., start..]);
            // Each row x of the part below becomes x L^-T.
            let rows: Vec<_> = below.outer_iter_mut().collect();
            rows.into_par_iter().for_each(|mut row| {
                for j in 0..row.len() {
                    let known: f64 = (0..j).map(|k| row[k] * diagonal[[j, k]]).sum();
                    row[j] = (row[j] - known) / diagonal[[j, j]];
                }
            });
            let mut rest = right.slice_mut(s![end.., ..]);
            let panels: Vec<_> = rest.axis_chunks_iter_mut(Axis(1), PANEL).collect();
            panels.into_par_iter().enumerate().for_each(|(panel, mut rest)| {
                let (first, columns) = (panel * PANEL, rest.ncols());
                let own = below.slice(s![first..first + columns, ..]);
                let mut rest = rest.slice_mut(s![first.., ..]);
                general_mat_mul(-1.0, &below.slice(s![first.., ..]), &own.t(), 1.0, &mut rest);
            });
        }
        Some(Self { lower: matrix })
    }

    /// `A^-1 B`.
    pub(crate) fn solve(&self, mut right: Array2<f64>) -> Array2<f64> {
        let (lower, n) = (&self.lower, right.nrows());
        let starts = (0..n).step_by(BLOCK);
        for start in starts.clone() {
            let end = n.min(start + BLOCK);
            let (known, mut rest) = right.view_mut().split_at(Axis(0), start);
            let mut own = rest.slice_mut(s![..end - start, ..]);
            general_mat_mul(-1.0, &lower.slice(s![start..end, ..start]), &known, 1.0, &mut own);
            for i in start..end {
                for j in start..i {
                    subtract(&mut own, i - start, j - start, lower[[i, j]]);
                }
                own.row_mut(i - start).mapv_inplace(|value| value / lower[[i, i]]);
            }
        }
        for start in starts.rev() {
            let end = n.min(start + BLOCK);
            let (mut rest, known) = right.view_mut().split_at(Axis(0), end);
            let mut own = rest.slice_mut(s![start.., ..]);
            general_mat_mul(-1.0, &lower.slice(s![end.., start..end]).t(), &known, 1.0, &mut own);
            for i in (start..end).rev() {
                for j in i + 1..end {
                    subtract(&mut own, i - start, j - start, lower[[j, i]]);
                }
                own.row_mut(i - start).mapv_inplace(|value| value / lower[[i, i]]);
            }
        }
        right
    }
}

/// Subtracts `factor` times row `from` from row `row`.
fn subtract(rows: &mut ArrayViewMut2<'_, f64>, row: usize, from: usize, factor: f64) {
    let (mut row, from) = rows.multi_slice_mut((s![row, ..], s![from, ..]));
    row.scaled_add(-factor, &from);
}

/// Decomposes one block in place.
fn decompose(mut block: ArrayViewMut2<'_, f64>) -> Option<()> {
    for i in 0..block.nrows() {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| block[[i, k]] * block[[j, k]]).sum();
            let value = block[[i, j]] - known;
            if i > j {
                block[[i, j]] = value / block[[j, j]];
            } else if value > 0.0 {
                block[[i, i]] = value.sqrt();
            } else {
                return None;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Z^T Z + I` of numbers without a pattern.
    fn positive(n: usize) -> Array2<f64> {
        let z = Array2::from_shape_fn((n, n), |(i, j)| {
            ((i * n + j) as f64 * 0.618_033_988_749_895).fract() - 0.5
        });
        z.t().dot(&z) + Array2::<f64>::eye(n)
    }

    #[test]
    fn the_solution_solves_the_system_on_both_sides_of_a_block_s_end() {
        for n in [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 5, PANEL + BLOCK + 3] {
            let matrix = positive(n);
            let right = Array2::from_shape_fn((n, 3), |(i, j)| (i + 2 * j) as f64 / n as f64);
            let solution = Cholesky::of(matrix.clone()).unwrap().solve(right.clone());
            let difference =
                (matrix.dot(&solution) - right).fold(0.0f64, |most, value| most.max(value.abs()));
            assert!(difference < 1e-9, "{n}: {difference}");
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_has_none() {
        let mut matrix = positive(BLOCK + 2);
        matrix[[BLOCK + 1, BLOCK + 1]] = -1.0;
        assert!(Cholesky::of(matrix).is_none());
        assert!(Cholesky::of(Array2::zeros((2, 2))).is_none());
    }
}
