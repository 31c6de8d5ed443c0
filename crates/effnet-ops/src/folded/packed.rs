//! The product of evaluation: y = f(x w^T + b), w packed once for many products.
//!
//! Unlike in [`crate::matmul`], each value of the result is one sum over k in its order, however the rows and columns are
//! cut into tasks: so an image has the same bits alone and in any batch, and tasks may be cut as it suits the cache.

use std::ops::Range;

use crate::activation::cpu::{Function, activate};
use crate::dispatch::{self, Kernel, Level};
use crate::simd::Simd;

/// Rows whose sums are held in registers: with two vectors of columns, 12 of AVX2's 16 registers.
const ROWS: usize = 6;

/// Values of x that a panel of w goes over before the next: half of a common second cache.
const BLOCK: usize = 32 * 1024;

/// Weights [n, k] and biases [n] in panels of two vectors of columns, the last perhaps of one: [k, columns] each, zeros after
/// column n.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    level: Level,
    k: usize,
    n: usize,
    values: Vec<f32>,
    bias: Vec<f32>,
}

impl Packed {
    /// Packs w [n, k] and b [n] for one level.
    pub(super) fn new(level: Level, w: &[f32], b: &[f32]) -> Self {
        let (n, k) = (b.len(), w.len() / b.len());
        assert!(w.len() == n * k, "a weight for each input and output");
        let lanes = dispatch::run(level, Lanes);
        let columns = n.next_multiple_of(lanes);
        let mut values = Vec::with_capacity(k * columns);
        for first in (0..columns).step_by(2 * lanes) {
            let panel = first..(first + 2 * lanes).min(columns);
            for i in 0..k {
                values.extend(panel.clone().map(|column| if column < n { w[column * k + i] } else { 0.0 }));
            }
        }
        let mut bias = b.to_vec();
        bias.resize(columns, 0.0);
        Self { level, k, n, values, bias }
    }

    /// Columns of x.
    pub(super) fn inputs(&self) -> usize {
        self.k
    }

    /// Columns of y.
    pub(super) fn outputs(&self) -> usize {
        self.n
    }

    /// Whole panels of columns, at most `parts` pieces of them.
    pub(super) fn pieces(&self, parts: usize) -> Vec<Range<usize>> {
        let panel = 2 * dispatch::run(self.level, Lanes);
        let width = self.n.div_ceil(parts.max(1)).next_multiple_of(panel);
        (0..self.n).step_by(width).map(|first| first..(first + width).min(self.n)).collect()
    }

    /// y for some columns, which begin with a panel: x [rows, k]; `out` is where the first of the columns goes in the first
    /// row. Where there is a `skip` (with rows in the same places), it is added to f.
    ///
    /// # Safety
    /// `out` is writable for the columns of as many rows as x has in their places, `skip` readable.
    pub(super) unsafe fn product<F: Function>(
        &self,
        x: &[f32],
        columns: Range<usize>,
        f: F,
        skip: Option<*const f32>,
        out: *mut f32,
        places: Places,
    ) {
        assert!(x.len().is_multiple_of(self.k) && columns.end <= self.n, "rows of k values, columns of w");
        dispatch::run(self.level, Product { w: self, x, columns, f, skip, out, places });
    }
}

/// Where the rows of a result go: so many of them lie `stride` values apart, the next begin a `line_stride` on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    pub(super) stride: usize,
    pub(super) rows_a_line: usize,
    pub(super) line_stride: usize,
}

impl Places {
    /// Places in which each row begins `stride` values after the one before.
    pub(super) fn apart(stride: usize) -> Self {
        Self { stride, rows_a_line: usize::MAX, line_stride: 0 }
    }
}

struct Lanes;

impl Kernel for Lanes {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        S::LANES
    }
}

struct Product<'a, F> {
    w: &'a Packed,
    x: &'a [f32],
    columns: Range<usize>,
    f: F,
    skip: Option<*const f32>,
    out: *mut f32,
    places: Places,
}

impl<F: Function> Kernel for Product<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let k = self.w.k;
        let panel = 2 * S::LANES;
        assert!(self.columns.start.is_multiple_of(panel), "columns begin with a panel");
        let rows = self.x.len() / k;
        let block = (BLOCK / k).next_multiple_of(ROWS);
        for first in (0..rows).step_by(block) {
            let end = (first + block).min(rows);
            for column in self.columns.clone().step_by(panel) {
                let n = (self.columns.end - column).min(panel);
                let mut row = first;
                while row < end {
                    // SAFETY: rows below `end`, and n columns from `column` on, are inside.
                    row += unsafe {
                        match end - row {
                            1 => self.tile::<S, 1>(s, row, column, n),
                            2..ROWS => self.tile::<S, 2>(s, row, column, n),
                            _ => self.tile::<S, ROWS>(s, row, column, n),
                        }
                    };
                }
            }
        }
    }
}

impl<F: Function> Product<'_, F> {
    /// `R` rows times a panel of which `n` columns are wanted; R.
    ///
    /// # Safety
    /// The rows and columns are inside.
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize>(&self, s: S, row: usize, column: usize, n: usize) -> usize {
        // SAFETY: the caller's promise.
        unsafe {
            if n == 2 * S::LANES {
                self.vectors::<S, R, 2, true>(s, row, column, S::LANES);
            } else if n > S::LANES {
                self.vectors::<S, R, 2, false>(s, row, column, n - S::LANES);
            } else if n == S::LANES {
                self.vectors::<S, R, 1, true>(s, row, column, n);
            } else {
                self.vectors::<S, R, 1, false>(s, row, column, n);
            }
        }
        R
    }

    /// `R` rows times `V` vectors of columns, the last with `n` that are wanted: all of it if `FULL`, else less.
    ///
    /// # Safety
    /// The rows and columns are inside.
    #[inline(always)]
    unsafe fn vectors<S: Simd, const R: usize, const V: usize, const FULL: bool>(
        &self,
        s: S,
        row: usize,
        column: usize,
        n: usize,
    ) {
        let k = self.w.k;
        // A panel of one vector can only be the last.
        debug_assert!(V == 2 || column + S::LANES >= self.w.n);
        // SAFETY: x has R rows from `row` on; the panel and its biases are as long as Packed says, all columns of it.
        unsafe {
            let x = self.x.as_ptr().add(row * k);
            let mut w = self.w.values.as_ptr().add(column * k);
            let mut sums = [[s.splat(0.0); V]; R];
            for i in 0..k {
                let mut panel = [s.splat(0.0); V];
                for (v, panel) in panel.iter_mut().enumerate() {
                    *panel = s.load(w.add(v * S::LANES));
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let x = s.splat(*x.add(r * k + i));
                    for v in 0..V {
                        sums[v] = s.mul_add(x, panel[v], sums[v]);
                    }
                }
                w = w.add(V * S::LANES);
            }
            for v in 0..V {
                let bias = s.load(self.w.bias.as_ptr().add(column + v * S::LANES));
                for sums in &mut sums {
                    sums[v] = s.add(sums[v], bias);
                }
            }
            activate(s, self.f, &mut sums);
            let first = column - self.columns.start;
            let Places { stride, rows_a_line, line_stride } = self.places;
            let (mut line, mut in_line) = (row / rows_a_line, row % rows_a_line);
            for sums in &sums {
                let at = line * line_stride + in_line * stride + first;
                for (v, y) in sums.iter().enumerate() {
                    let at = at + v * S::LANES;
                    if FULL || v + 1 < V {
                        self.put::<S, true>(s, at, S::LANES, *y);
                    } else {
                        self.put::<S, false>(s, at, n, *y);
                    }
                }
                in_line += 1;
                if in_line == rows_a_line {
                    (line, in_line) = (line + 1, 0);
                }
            }
        }
    }

    /// # Safety
    /// The vector at `at` is inside, or its first n values are.
    #[inline(always)]
    unsafe fn put<S: Simd, const FULL: bool>(&self, s: S, at: usize, n: usize, y: S::F) {
        // SAFETY: the caller's promise.
        unsafe {
            let y = match self.skip {
                Some(skip) => s.add(y, s.load_if::<FULL>(skip.add(at), n)),
                None => y,
            };
            s.store_if::<FULL>(self.out.add(at), n, y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::cpu::{Identity, Relu6};
    use crate::dispatch::available;

    fn values(n: usize, seed: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 + seed * 31) % 201) as f32 / 100.0 - 1.0).collect()
    }

    /// Shapes on both sides of every cut: tiles of rows, panels of one and two vectors, parts of vectors, blocks.
    const SHAPES: [[usize; 3]; 7] =
        [[1, 1, 1], [7, 5, 8], [6, 3, 16], [11, 17, 35], [13, 9, 24], [50, 1200, 48], [9, 2, 71]];

    #[test]
    fn products_equal_their_sums_in_f64() {
        for level in available() {
            for [rows, k, n] in SHAPES {
                let (x, w, b) = (values(rows * k, 1), values(n * k, 2), values(n, 3));
                let skip = values(rows * n, 4);
                let packed = Packed::new(level, &w, &b);
                let mut y = vec![f32::NAN; rows * n];
                for columns in packed.pieces(2) {
                    let (skip, out) = (Some(skip[columns.start..].as_ptr()), y[columns.start..].as_mut_ptr());
                    // SAFETY: y and skip have the rows and columns.
                    unsafe { packed.product(&x, columns, Relu6, skip, out, Places::apart(n)) };
                }
                for (i, y) in y.iter().enumerate() {
                    let products = (0..k).map(|j| f64::from(x[i / n * k + j]) * f64::from(w[i % n * k + j]));
                    let z = products.sum::<f64>() + f64::from(b[i % n]);
                    let exact = z.clamp(0.0, 6.0) + f64::from(skip[i]);
                    assert!((f64::from(*y) - exact).abs() < 2e-5, "{level:?} {rows} {k} {n}: {i}");
                }
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_in_any_product() {
        for level in available() {
            let (k, n) = (37, 50);
            let (x, w, b) = (values(20 * k, 1), values(n * k, 2), values(n, 3));
            let packed = Packed::new(level, &w, &b);
            let product = |rows: Range<usize>| {
                let mut y = vec![0f32; rows.len() * n];
                // SAFETY: y has the rows and columns.
                unsafe {
                    let x = &x[rows.start * k..rows.end * k];
                    packed.product(x, 0..n, Identity, None, y.as_mut_ptr(), Places::apart(n));
                }
                y
            };
            let all = product(0..20);
            for row in 0..20 {
                assert_eq!(product(row..row + 1), all[row * n..(row + 1) * n], "{level:?}: {row}");
            }
        }
    }
}
