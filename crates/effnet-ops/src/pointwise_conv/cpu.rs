//! The three matrix products of a 1x1 convolution.

use crate::matmul::{Matrix, product, product_over_rows};

/// Channels of a 1x1 convolution's input and output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Widths {
    pub(crate) input: usize,
    pub(crate) output: usize,
}

impl Widths {
    /// y = x w^T (+ bias).
    pub(crate) fn forward(self, x: &[f32], w: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        product(x, self.input, Matrix::transposed(w, self.output), bias)
    }

    /// dx = dy w.
    pub(crate) fn input_gradient(self, dy: &[f32], w: &[f32]) -> Vec<f32> {
        product(dy, self.output, Matrix::new(w, self.input), None)
    }

    /// dw = dy^T x.
    pub(crate) fn weight_gradient(self, x: &[f32], dy: &[f32]) -> Vec<f32> {
        product_over_rows(dy, self.output, x, self.input)
    }
}
