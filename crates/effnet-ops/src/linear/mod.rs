//! Fully connected layer, PyTorch's `Linear`.
//!
//! ```text
//! y[n, o] = sum_i x[n, i] w[o, i] + b[o]
//! dx = dy w       dw = dy^T x       db = sum of dy over n
//! ```
//!
//! The products are those of the 1x1 convolution, [`crate::pointwise_conv()`].

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use crate::by_candle;
use crate::channels::{Rows, column_sums};
use crate::dispatch::level;
use crate::error::shape_error;
use crate::host;
use crate::pointwise_conv::cpu::Widths;

const NAME: &str = "linear";

/// x w^T + b.
///
/// # Shapes
/// `x` `[N, Cin]`, `w` `[Cout, Cin]`, `b` `[Cout]`; to `[N, Cout]`.
///
/// # Errors
/// If the shapes do not fit, or a tensor on the CPU is not f32.
pub fn linear(x: &Tensor, w: &Tensor, b: &Tensor) -> Result<Tensor> {
    let widths = match (x.dims(), w.dims(), b.dims()) {
        ([_, cin], [output, input], [bias]) if cin == input && bias == output && *cin > 0 && *output > 0 => {
            Widths { input: *input, output: *output }
        }
        (x, w, b) => {
            let expected = "x [N, Cin], w [Cout, Cin], b [Cout], no channel count 0";
            return Err(shape_error(NAME, &[("x", x), ("w", w), ("b", b)], expected));
        }
    };
    if by_candle::is_wanted(x) {
        return by_candle::product(x, w)?.broadcast_add(b);
    }
    x.contiguous()?.apply_op3(&w.contiguous()?, &b.contiguous()?, Linear(widths))
}

struct Linear(Widths);

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = host::floats(NAME, x, x_layout)?;
        let w = host::floats(NAME, w, w_layout)?;
        let b = host::floats(NAME, b, b_layout)?;
        let y = self.0.forward(x, w, Some(b));
        Ok((CpuStorage::F32(y), (x_layout.dims()[0], self.0.output).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        b: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        host::read(NAME, [x, w, dy], |[xs, ws, dys]| {
            let dx = x.track_op().then(|| host::tensor(self.0.input_gradient(dys, ws), x.shape()));
            let dw = w.track_op().then(|| host::tensor(self.0.weight_gradient(xs, dys), w.shape()));
            let db = b.track_op().then(|| {
                let sums = column_sums(level(), Rows::of(dy.dims()), dys);
                host::tensor(sums.iter().map(|sum| *sum as f32).collect(), b.shape())
            });
            Ok((dx.transpose()?, dw.transpose()?, db.transpose()?))
        })
    }
}
