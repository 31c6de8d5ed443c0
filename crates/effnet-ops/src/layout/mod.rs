//! Between NHWC, the layout inside, and NCHW, candle's and PyTorch's.
//!
//! ```text
//! y[n, i, j, c] = x[n, c, i, j]        dx: the way back
//! ```
//!
//! Per image it is the transpose of a matrix [C, H W].

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use crate::error::shape_error;
use crate::{by_candle, host, parallel};

/// The same tensor with the channels last.
///
/// # Shapes
/// [N, C, H, W] to [N, H, W, C].
///
/// # Errors
/// If `x` has another number of dimensions, or is on the CPU and not f32.
pub fn nchw_to_nhwc(x: &Tensor) -> Result<Tensor> {
    apply(x, "nchw_to_nhwc", Transpose::ToNhwc)
}

/// The same tensor with the channels before the pixels.
///
/// # Shapes
/// [N, H, W, C] to [N, C, H, W].
///
/// # Errors
/// If `x` has another number of dimensions, or is on the CPU and not f32.
pub fn nhwc_to_nchw(x: &Tensor) -> Result<Tensor> {
    apply(x, "nhwc_to_nchw", Transpose::ToNchw)
}

fn apply(x: &Tensor, op: &'static str, transpose: Transpose) -> Result<Tensor> {
    if x.rank() != 4 {
        return Err(shape_error(op, &[("x", x.dims())], "four dimensions"));
    }
    if by_candle::is_wanted(x) {
        return x.permute(transpose.order())?.contiguous();
    }
    x.contiguous()?.apply_op1(transpose)
}

#[derive(Clone, Copy)]
enum Transpose {
    ToNhwc,
    ToNchw,
}

impl Transpose {
    /// The dimensions of x in the order in which the result has them.
    fn order(self) -> (usize, usize, usize, usize) {
        match self {
            Self::ToNhwc => (0, 2, 3, 1),
            Self::ToNchw => (0, 3, 1, 2),
        }
    }
}

impl CustomOp1 for Transpose {
    fn name(&self) -> &'static str {
        match self {
            Self::ToNhwc => "nchw_to_nhwc",
            Self::ToNchw => "nhwc_to_nchw",
        }
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = host::floats(CustomOp1::name(self), x, layout)?;
        let (n, a, b, c) = layout.shape().dims4()?;
        let (rows, columns, dims) = match self {
            Self::ToNhwc => (a, b * c, (n, b, c, a)),
            Self::ToNchw => (a * b, c, (n, c, a, b)),
        };
        Ok((CpuStorage::F32(transpose(x, rows, columns)), dims.into()))
    }

    fn bwd(&self, _x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        match self {
            Self::ToNhwc => nhwc_to_nchw(dy).map(Some),
            Self::ToNchw => nchw_to_nhwc(dy).map(Some),
        }
    }
}

/// [.., rows, columns] to [.., columns, rows].
fn transpose(x: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    /// Output rows a task.
    const BLOCK: usize = 64;
    let image = rows * columns;
    if x.is_empty() {
        return vec![];
    }
    let blocks = columns.div_ceil(BLOCK);
    let parts = parallel::tasks(x.len() / image * blocks, &|task| {
        let x = &x[task / blocks * image..][..image];
        let first = task % blocks * BLOCK;
        let mut out = Vec::with_capacity(BLOCK.min(columns - first) * rows);
        for column in first..(first + BLOCK).min(columns) {
            out.extend((0..rows).map(|row| x[row * columns + column]));
        }
        out
    });
    parts.concat()
}
