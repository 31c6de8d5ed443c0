//! Matrix products whose arguments are computed, and whose results are reduced, a block of rows at a time, while the block
//! is in a core's own cache.
//!
//! A batch of images has many rows (pixels), and each pass over all of them goes to main memory. So what lies between two
//! products (a norm, an activation, a gate) is never stored as a whole: an argument is a [`RowSource`], which computes its
//! rows when a product asks for them.

use crate::channels::Rows;
use crate::dispatch::Level;
use crate::elementwise::pointer;
use crate::matmul::{self, Matrix};
use crate::parallel;
use crate::row_source::RowSource;
use crate::squeeze_excitation::cpu::gate_in_place;

/// The most parts that a sum over all rows is added up from, and that little work is cut in.
pub(crate) const PARTS: usize = 16;

/// Products of at least so many rows are computed a block at a time. With fewer, all rows stay in the cache anyway.
const MANY_ROWS: usize = 2048;

/// Number of rows in a block when a row has `width` values: 256 KiB of them, half of a common second cache.
fn block_of(width: usize) -> usize {
    (64 * 1024 / width.max(1)).clamp(32, 256)
}

/// The product x w, and what `then` returns for each block of its rows, in their order.
pub(crate) fn product<T: Send>(
    x: &dyn RowSource,
    w: Matrix<'_>,
    then: &(dyn Fn(&[f32]) -> T + Sync),
) -> (Vec<f32>, Vec<T>) {
    let (rows, k, n) = (x.rows(), x.columns(), w.columns());
    if rows < MANY_ROWS {
        let y = matmul::product(&x.whole(), k, w, None);
        let found = parallel::map(y.chunks(rows.div_ceil(PARTS).max(32) * n).collect(), then);
        return (y, found);
    }
    let block = block_of(k.max(n));
    // SAFETY: `tile` writes all n columns of its rows.
    unsafe {
        parallel::written_with(rows * n, block * n, &|i, out| {
            let rows = i * block..i * block + out.len() / n;
            let mut scratch = vec![];
            let x = x.block(rows, &mut scratch);
            let out_pointer = pointer(out);
            matmul::tile(x, k, w, None, 0..n, out_pointer, n);
            then(std::slice::from_raw_parts(out_pointer, out.len()))
        })
    }
}

/// The gradients of y = x w^T, w [out, in]: dx = dy w and dw = dy^T x.
pub(crate) fn backward(dy: &dyn RowSource, x: &dyn RowSource, w: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (rows, m, n) = (dy.rows(), dy.columns(), x.columns());
    let matrix = Matrix::new(w, n);
    if rows < MANY_ROWS {
        let dy = dy.whole();
        return (matmul::product(&dy, m, matrix, None), matmul::product_over_rows(&dy, m, &x.whole(), n));
    }
    let (block, part) = (block_of(m.max(n)), rows.div_ceil(PARTS));
    // SAFETY: `tile` writes all n columns of its rows, and the blocks make up the part.
    let (dx, parts) = unsafe {
        parallel::written_with(rows * n, part * n, &|i, out| {
            let mut scratch = [vec![], vec![]];
            let mut dw = vec![0f32; m * n];
            let first = i * part;
            for (j, out) in out.chunks_mut(block * n).enumerate() {
                let rows = first + j * block..first + j * block + out.len() / n;
                let [for_dy, for_x] = &mut scratch;
                let (dy, x) = (dy.block(rows.clone(), for_dy), x.block(rows, for_x));
                matmul::tile(dy, m, matrix, None, 0..n, pointer(out), n);
                matmul::add_product_over_rows(dy, m, x, n, &mut dw);
            }
            dw
        })
    };
    (dx, parallel::sum_in_order(parts))
}

/// The gradients of y = (x g) w^T, where each image has its own gate g for each column: t = dy w, dw, and the gradient of
/// the gate, which is the sum over an image's rows of t x.
///
/// The gate's gradient needs no pass over t: with M = dy^T x of one image, dw is the sum over images of M g, and the gate's
/// gradient is sum_o w[o, c] M[o, c].
pub(crate) fn backward_gated(
    level: Level,
    dy: &dyn RowSource,
    x: &dyn RowSource,
    w: &[f32],
    gate: &[f32],
    shape: Rows,
) -> (Vec<f32>, Vec<f32>, Vec<f64>) {
    let (rows, m, n) = (dy.rows(), dy.columns(), x.columns());
    let matrix = Matrix::new(w, n);
    // An image's M costs as much as m rows or so.
    if rows < MANY_ROWS || shape.rows < 4 * m {
        let dy = dy.whole();
        let t = matmul::product(&dy, m, matrix, None);
        let mut x = x.whole().into_owned();
        let dgate = gate_in_place(level, shape, &mut x, &t, gate);
        return (t, matmul::product_over_rows(&dy, m, &x, n), dgate);
    }
    let (block, images) = (block_of(m.max(n)), shape.groups.div_ceil(PARTS));
    // SAFETY: `tile` writes all n columns of its rows, the blocks make up an image, and the images the part.
    let (t, parts) = unsafe {
        parallel::written_with(rows * n, images * shape.rows * n, &|i, out| {
            let mut scratch = [vec![], vec![]];
            let mut dw = vec![0f32; m * n];
            let mut of_image = vec![0f32; m * n];
            let mut dgate = vec![];
            for (j, out) in out.chunks_mut(shape.rows * n).enumerate() {
                let image = i * images + j;
                of_image.fill(0.0);
                for (b, out) in out.chunks_mut(block * n).enumerate() {
                    let first = image * shape.rows + b * block;
                    let rows = first..first + out.len() / n;
                    let [for_dy, for_x] = &mut scratch;
                    let (dy, x) = (dy.block(rows.clone(), for_dy), x.block(rows, for_x));
                    matmul::tile(dy, m, matrix, None, 0..n, pointer(out), n);
                    matmul::add_product_over_rows(dy, m, x, n, &mut of_image);
                }
                let gate = &gate[image * n..(image + 1) * n];
                let mut dg = vec![0f64; n];
                for ((dw, of_image), w) in
                    dw.chunks_exact_mut(n).zip(of_image.chunks_exact(n)).zip(w.chunks_exact(n))
                {
                    for c in 0..n {
                        dw[c] += of_image[c] * gate[c];
                        dg[c] += f64::from(of_image[c] * w[c]);
                    }
                }
                dgate.extend(dg);
            }
            (dw, dgate)
        })
    };
    let (dw, dgate): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    (t, parallel::sum_in_order(dw), dgate.concat())
}
