//! Matrix products by the `gemm` crate, cut in tiles by their shapes alone and spread over rayon.
//!
//! gemm's own parallelism cuts by the number of threads, and never along the summed dimension: which
//! is the long one in the gradient of a convolution's weights. No width here is 0: the operations refuse
//! such shapes.

use std::ops::Range;

use gemm::Parallelism;

use crate::elementwise::pointer;
use crate::parallel::{self, SharedPointer};

/// Tasks that a product is cut in at least, if it is large enough: some for each of a few cores.
const TASKS: usize = 8;

/// A matrix [rows, columns] in row-major order, or that of a row-major one transposed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `values` as [.., columns].
    pub(crate) fn new(values: &'a [f32], columns: usize) -> Self {
        Self { values, columns, row_stride: columns, column_stride: 1 }
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// `values` as [columns, rows], transposed.
    pub(crate) fn transposed(values: &'a [f32], columns: usize) -> Self {
        Self { values, columns, row_stride: 1, column_stride: values.len() / columns }
    }
}

/// x b (+ bias in each row): [rows, k] times [k, n], row-major.
pub(crate) fn product(x: &[f32], k: usize, b: Matrix<'_>, bias: Option<&[f32]>) -> Vec<f32> {
    let n = b.columns;
    assert!(k * n == b.values.len() && bias.is_none_or(|bias| bias.len() == n), "the shapes of a product");
    let rows = x.len() / k;
    // Many rows: tiles of whole rows, which lie in one piece of the result.
    let block = if rows >= 256 * TASKS { 256 } else { 64 };
    let blocks = rows.div_ceil(block);
    if blocks >= TASKS || n < 128 {
        // SAFETY: `tile` writes all n columns of its rows.
        return unsafe {
            parallel::written(rows * n, block * n, &|i, out| {
                let rows = out.len() / n;
                let x = &x[i * block * k..][..rows * k];
                tile(x, k, b, bias, 0..n, pointer(out), n);
            })
        };
    }
    // Few rows: tiles of columns too.
    let width = n.div_ceil(TASKS.div_ceil(blocks.max(1))).next_multiple_of(32).min(n);
    let across = n.div_ceil(width);
    let mut out = Vec::with_capacity(rows * n);
    let place = SharedPointer(out.as_mut_ptr());
    parallel::tasks(blocks * across, &|task| {
        let (row, column) = (task / across * block, task % across * width);
        let (rows, columns) = (block.min(rows - row), column..(column + width).min(n));
        // SAFETY: the tile's rows and columns are inside `out`, and no other task's.
        unsafe { tile(&x[row * k..][..rows * k], k, b, bias, columns, place.at(row * n + column), n) };
    });
    // SAFETY: the tiles make up all of it.
    unsafe { out.set_len(rows * n) };
    out
}

/// The columns `columns` of x b (+ bias), to rows of `stride` values at `out`.
///
/// # Safety
/// `out` is writable for the rows of x, each of `columns.len()` values.
pub(crate) unsafe fn tile(
    x: &[f32],
    k: usize,
    b: Matrix<'_>,
    bias: Option<&[f32]>,
    columns: Range<usize>,
    out: *mut f32,
    stride: usize,
) {
    let (rows, width) = (x.len() / k, columns.len());
    if let Some(bias) = bias {
        for row in 0..rows {
            // SAFETY: row < rows; the bias has n >= columns.end values.
            unsafe {
                let bias = bias.as_ptr().add(columns.start);
                std::ptr::copy_nonoverlapping(bias, out.add(row * stride), width);
            }
        }
    }
    // SAFETY: x is [rows, k], b [k, n] with columns inside n, and out as the caller promises.
    unsafe {
        gemm::gemm(
            rows,
            width,
            k,
            out,
            1,
            stride as isize,
            bias.is_some(),
            x.as_ptr(),
            1,
            k as isize,
            b.values.as_ptr().add(columns.start * b.column_stride),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// a^T b: [rows, m] and [rows, n] to [m, n], the sum running over the rows, which are many.
///
/// The rows are cut in at most 16 blocks, whose products are added in their order; the result in tiles that are as square as
/// can be, because each packs its columns of a and b anew.
pub(crate) fn product_over_rows(a: &[f32], m: usize, b: &[f32], n: usize) -> Vec<f32> {
    /// Rows that a sum may run over at once.
    const BLOCK: usize = 1024;
    let rows = a.len() / m;
    assert!(b.len() == rows * n, "as many rows in both");
    let blocks = rows.div_ceil(BLOCK).clamp(1, 16);
    let block = rows.div_ceil(blocks);
    let [height, width] = tile_shape(m, n, TASKS.div_ceil(blocks));
    let across = n.div_ceil(width);
    let tiles = m.div_ceil(height) * across;
    let place = |tile: usize| {
        let (row, column) = (tile / across * height, tile % across * width);
        [row..(row + height).min(m), column..(column + width).min(n)]
    };
    let product = |task: usize, out: *mut f32, stride: usize| {
        let rows = (task / tiles * block).min(rows)..((task / tiles + 1) * block).min(rows);
        let [down, across] = place(task % tiles);
        let a = Columns { values: &a[rows.start * m..rows.end * m], width: m, columns: down };
        let b = Columns { values: &b[rows.start * n..rows.end * n], width: n, columns: across };
        // SAFETY: `out` has the tile's rows and columns, for both kinds of tasks below.
        unsafe { over_rows(a, b, out, stride, false) };
    };
    let mut out = Vec::with_capacity(m * n);
    let shared = SharedPointer(out.as_mut_ptr());
    if blocks == 1 {
        parallel::tasks(tiles, &|tile| {
            let [down, across] = place(tile);
            product(tile, shared.at(down.start * n + across.start), n);
        });
    } else {
        let parts = parallel::tasks(blocks * tiles, &|task| {
            let [down, across] = place(task % tiles);
            let mut part = Vec::with_capacity(down.len() * across.len());
            product(task, part.as_mut_ptr(), across.len());
            // SAFETY: the product wrote all of the tile.
            unsafe { part.set_len(down.len() * across.len()) };
            part
        });
        if tiles == 1 {
            return parallel::sum_in_order(parts);
        }
        parallel::tasks(tiles, &|tile| {
            let [down, across] = place(tile);
            let (first, rest) = (&parts[tile], parts[tile..].iter().step_by(tiles).skip(1));
            let mut total = first.clone();
            for part in rest {
                total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
            }
            for (row, values) in down.zip(total.chunks_exact(across.len())) {
                let to = shared.at(row * n + across.start);
                // SAFETY: the tile's row is inside `out`, and no other task's.
                unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), to, values.len()) };
            }
        });
    }
    // SAFETY: the tiles make up all of it.
    unsafe { out.set_len(m * n) };
    out
}

/// Height and width of the tiles when [m, n] is cut in `count` of them or a few more, none narrower than 32.
fn tile_shape(m: usize, n: usize, count: usize) -> [usize; 2] {
    let [mut height, mut width] = [m, n];
    while m.div_ceil(height) * n.div_ceil(width) < count && height.max(width) >= 64 {
        let longer = if height > width { &mut height } else { &mut width };
        *longer = longer.div_ceil(2).next_multiple_of(8);
    }
    [height, width]
}

/// out += a^T b, in one thread.
pub(crate) fn add_product_over_rows(a: &[f32], m: usize, b: &[f32], n: usize, out: &mut [f32]) {
    assert!(out.len() == m * n && a.len() / m * n == b.len(), "the shapes of a product");
    let a = Columns { values: a, width: m, columns: 0..m };
    let b = Columns { values: b, width: n, columns: 0..n };
    // SAFETY: `out` is [m, n].
    unsafe { over_rows(a, b, out.as_mut_ptr(), n, true) };
}

/// Some columns of a row-major matrix.
struct Columns<'a> {
    values: &'a [f32],
    width: usize,
    columns: Range<usize>,
}

/// a^T b to rows of `stride` values at `out`, added to what is there or in its place.
///
/// # Safety
/// `out` is writable (and readable to add) for a row of as many values as b has columns for each of a's; a and b have as many
/// rows.
unsafe fn over_rows(a: Columns<'_>, b: Columns<'_>, out: *mut f32, stride: usize, add: bool) {
    let rows = a.values.len() / a.width;
    debug_assert!(b.values.len() == rows * b.width && a.columns.end <= a.width && b.columns.end <= b.width);
    // SAFETY: the caller's promise; a is read as [columns, rows] by its strides.
    unsafe {
        gemm::gemm(
            a.columns.len(),
            b.columns.len(),
            rows,
            out,
            1,
            stride as isize,
            add,
            a.values.as_ptr().add(a.columns.start),
            a.width as isize,
            1,
            b.values.as_ptr().add(b.columns.start),
            1,
            b.width as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize, seed: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 + seed * 31) % 201) as f32 / 100.0 - 1.0).collect()
    }

    /// Shapes on both sides of every cut: few and many rows, narrow and wide results.
    const SHAPES: [[usize; 3]; 8] = [
        [1, 1, 1],
        [3, 5, 130],
        [64, 40, 300],
        [70, 17, 129],
        [600, 9, 200],
        [2048, 16, 24],
        [2100, 30, 7],
        [9000, 4, 130],
    ];

    #[test]
    fn products_equal_their_sums_in_f64() {
        for [rows, k, n] in SHAPES {
            let (x, w, bias) = (values(rows * k, 1), values(k * n, 2), values(n, 3));
            let plain = product(&x, k, Matrix::new(&w, n), None);
            let transposed: Vec<f32> = (0..n * k).map(|i| w[i % k * n + i / k]).collect();
            let biased = product(&x, k, Matrix::transposed(&transposed, n), Some(&bias));
            for i in 0..rows * n {
                let exact: f64 =
                    (0..k).map(|j| f64::from(x[i / n * k + j]) * f64::from(w[j * n + i % n])).sum();
                assert!((f64::from(plain[i]) - exact).abs() < 2e-5, "{rows} {k} {n}: {i}");
                let exact = exact + f64::from(bias[i % n]);
                assert!((f64::from(biased[i]) - exact).abs() < 2e-5, "{rows} {k} {n}: {i} with bias");
            }
        }
    }

    #[test]
    fn sums_over_rows_equal_their_sums_in_f64() {
        for [rows, m, n] in SHAPES {
            let (a, b) = (values(rows * m, 4), values(rows * n, 5));
            let got = product_over_rows(&a, m, &b, n);
            for i in 0..m * n {
                let exact: f64 =
                    (0..rows).map(|r| f64::from(a[r * m + i / n]) * f64::from(b[r * n + i % n])).sum();
                let error = (f64::from(got[i]) - exact).abs();
                assert!(error < 1e-6 * rows as f64 + 1e-5, "{rows} {m} {n}: {i}: {error}");
            }
        }
    }
}
