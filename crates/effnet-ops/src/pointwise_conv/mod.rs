//! 1x1 convolution: in NHWC one matrix product, without any copy.
//!
//! ```text
//! y[p, o] = sum_i x[p, i] w[o, i]        for each pixel p
//! dx = dy w          dw = dy^T x
//! ```

pub(crate) mod cpu;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use crate::by_candle;
use crate::error::shape_error;
use crate::host;
use cpu::Widths;

const NAME: &str = "pointwise_conv";

/// Mixes the channels of each pixel.
///
/// # Shapes
/// `x` [.., Cin]; `w` [Cout, Cin, 1, 1] (PyTorch's) or [Cout, Cin]; to [.., Cout].
///
/// # Errors
/// If the shapes do not fit, or a tensor on the CPU is not f32.
pub fn pointwise_conv(x: &Tensor, w: &Tensor) -> Result<Tensor> {
    let widths = match (x.dims(), w.dims()) {
        ([.., cin], [output, input, 1, 1] | [output, input]) if cin == input && *cin > 0 && *output > 0 => {
            Widths { input: *input, output: *output }
        }
        (x, w) => {
            let expected = "x [.., Cin], w [Cout, Cin, 1, 1] or [Cout, Cin], no channel count 0";
            return Err(shape_error(NAME, &[("x", x), ("w", w)], expected));
        }
    };
    if by_candle::is_wanted(x) {
        return by_candle::product(x, w);
    }
    x.contiguous()?.apply_op2(&w.contiguous()?, PointwiseConv(widths))
}

struct PointwiseConv(Widths);

impl CustomOp2 for PointwiseConv {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = self.0.forward(host::floats(NAME, x, x_layout)?, host::floats(NAME, w, w_layout)?, None);
        let mut dims = x_layout.dims().to_vec();
        if let Some(channels) = dims.last_mut() {
            *channels = self.0.output;
        }
        Ok((CpuStorage::F32(y), dims.into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        host::read(NAME, [x, w, dy], |[xs, ws, dy]| {
            let dx = x.track_op().then(|| host::tensor(self.0.input_gradient(dy, ws), x.shape()));
            let dw = w.track_op().then(|| host::tensor(self.0.weight_gradient(xs, dy), w.shape()));
            Ok((dx.transpose()?, dw.transpose()?))
        })
    }
}
