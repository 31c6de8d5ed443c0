//! Full convolution, for the stem: few input channels, each of the outputs a sum over all of them.
//!
//! ```text
//! y[n, i, j, o] = sum over (a, b, c) of x[n, i s + a - p, j s + b - p, c] w[o, c, a, b]
//! dw = dy^T patches(x)        dx: dy w, each patch added where it came from
//! ```
//!
//! The gradient of the input is computed only if it is asked for, which for a stem on images never
//! happens.

pub(crate) mod by_candle;
pub(crate) mod cpu;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use crate::error::shape_error;
use crate::host;
use crate::row_source::StoredRows;
use crate::window::{Padding, Window};
use cpu::Convolution;

const NAME: &str = "conv2d";

/// Convolves all input channels to each output channel.
///
/// # Shapes
/// `x` [N, H, W, Cin]; `w` [Cout, Cin, k, k] (PyTorch's), k odd; to [N, Ho, Wo, Cout] with the sizes
/// that [`Padding`] says.
///
/// # Errors
/// If the shapes do not fit, the stride is 0, or a tensor on the CPU is not f32.
pub fn conv2d(x: &Tensor, w: &Tensor, stride: usize, padding: Padding) -> Result<Tensor> {
    let window = Window::new(NAME, x.dims(), w.dims(), stride, padding)?;
    let (input, output) = (x.dims()[3], w.dims()[0]);
    if w.dims()[1] != input || output == 0 {
        let expected = "x [N, H, W, Cin], w [Cout, Cin, k, k]";
        return Err(shape_error(NAME, &[("x", x.dims()), ("w", w.dims())], expected));
    }
    if crate::by_candle::is_wanted(x) {
        return by_candle::conv2d(x, w, window);
    }
    x.contiguous()?.apply_op2(&w.contiguous()?, Conv2d(Convolution { window, input, output }))
}

struct Conv2d(Convolution);

impl CustomOp2 for Conv2d {
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
        let out = self.0.forward(host::floats(NAME, x, x_layout)?, host::floats(NAME, w, w_layout)?);
        let Window { images, y, x } = self.0.window;
        Ok((CpuStorage::F32(out), (images, y.output, x.output, self.0.output).into()))
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
            let dw = w.track_op().then(|| {
                host::tensor(
                    self.0.weight_gradient(xs, &StoredRows { values: dy, columns: self.0.output }),
                    w.shape(),
                )
            });
            Ok((dx.transpose()?, dw.transpose()?))
        })
    }
}
