//! The stem and the head: a full convolution or a pointwise one, its norm and its activation.

use candle_core::{Result, Tensor};

use super::by_candle;
use super::packed::{Packed, Places};
use super::weights::Folded;
use crate::activation::{Activation, cpu::Function, with_function};
use crate::conv2d::cpu::Convolution;
use crate::dispatch::level;
use crate::elementwise::pointer;
use crate::error::shape_error;
use crate::host;
use crate::parallel::{self, SharedPointer};
use crate::window::{Padding, Window};

const NAME: &str = "folded_conv";

/// Pixels of a task.
const PIXELS: usize = 192;

/// A full or pointwise convolution, ready for many images on the device of its weights.
#[derive(Debug, Clone)]
pub struct FoldedConv {
    form: Form,
    input: usize,
    kernel: usize,
    stride: usize,
    padding: Padding,
    activation: Activation,
}

/// What computes the convolution.
#[derive(Debug, Clone)]
enum Form {
    Kernels(Packed),
    Candle(by_candle::Conv),
}

impl FoldedConv {
    /// The convolution in the form that the present [level](crate::dispatch::level) reads; on other devices, and in
    /// [`by_candle`](crate::by_candle()), in that of candle's operations.
    ///
    /// # Errors
    /// The device's, if it has no memory left.
    pub fn new(conv: Folded, stride: usize, padding: Padding, activation: Activation) -> Result<Self> {
        let [output, input, kernel, _] = conv.dims;
        let form = if crate::by_candle::is_wanted_on(&conv.device) {
            Form::Candle(by_candle::Conv::new(conv)?)
        } else {
            let weight = Convolution::by_patch(&conv.weight, output, input);
            Form::Kernels(Packed::new(level(), &weight, &conv.bias))
        };
        Ok(Self { form, input, kernel, stride, padding, activation })
    }

    /// Channels of the result.
    pub fn outputs(&self) -> usize {
        match &self.form {
            Form::Kernels(weight) => weight.outputs(),
            Form::Candle(conv) => conv.outputs(),
        }
    }

    /// f(conv(x) + b), without a graph.
    ///
    /// # Shapes
    /// `x` [N, H, W, Cin], to [N, Ho, Wo, Cout] with the sizes that [`Padding`] says.
    ///
    /// # Errors
    /// If the shapes do not fit, `x` is on another device than the weights, or it is on the CPU and not f32.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let window = Window::over(NAME, x, self.kernel, self.stride, self.padding)?;
        if x.dims()[3] != self.input {
            let weight = [self.outputs(), self.input, self.kernel, self.kernel];
            let expected = "x [N, H, W, Cin], weight [Cout, Cin, k, k]";
            return Err(shape_error(NAME, &[("x", x.dims()), ("weight", &weight)], expected));
        }
        let weight = match &self.form {
            Form::Kernels(weight) => weight,
            Form::Candle(conv) => return conv.full(window, x, self.activation),
        };
        let run = |x: &[f32]| with_function!(self.activation, |f| self.run(weight, window, x, f));
        let y = host::read(NAME, [x], |[x]| Ok(run(x)))?;
        let Window { images, y: down, x: across } = window;
        host::tensor(y, (images, down.output, across.output, weight.outputs()))
    }

    fn run<F: Function>(&self, weight: &Packed, window: Window, x: &[f32], f: F) -> Vec<f32> {
        let (k, n) = (weight.inputs(), weight.outputs());
        let rows = window.images * window.y.output * window.x.output;
        if self.kernel == 1 && self.stride == 1 {
            return pointwise(weight, x, f);
        }
        let conv = Convolution { window, input: self.input, output: n };
        // SAFETY: the product writes all n columns of the piece's rows.
        unsafe {
            parallel::written(rows * n, PIXELS * n, &|i, out| {
                let mut patches = Vec::with_capacity(PIXELS * k);
                conv.patches(x, i * PIXELS..i * PIXELS + out.len() / n, &mut patches);
                weight.product(&patches, 0..n, f, None, pointer(out), Places::apart(n));
            })
        }
    }
}

/// f(x w^T + b): [rows, k] to [rows, n].
fn pointwise<F: Function>(weight: &Packed, x: &[f32], f: F) -> Vec<f32> {
    let (rows, n) = (x.len() / weight.inputs(), weight.outputs());
    let mut y = Vec::with_capacity(rows * n);
    // SAFETY: y has room for the rows, and `rows_of` writes all of them.
    unsafe {
        rows_of(weight, x, f, None, SharedPointer(y.as_mut_ptr()));
        y.set_len(rows * n);
    }
    y
}

/// f(x w^T + b) + skip, to rows of as many values as w has outputs, in tasks of some rows, or of some columns where there are
/// few rows.
///
/// # Safety
/// `out` is writable for as many rows as x has; and nobody else's meanwhile.
pub(super) unsafe fn rows_of<F: Function>(
    weight: &Packed,
    x: &[f32],
    f: F,
    skip: Option<&[f32]>,
    out: SharedPointer,
) {
    let (k, n) = (weight.inputs(), weight.outputs());
    let rows = x.len() / k;
    assert!(skip.is_none_or(|skip| skip.len() == rows * n), "a skip of the result's shape");
    let blocks = rows.div_ceil(PIXELS);
    let columns = weight.pieces(8usize.div_ceil(blocks));
    parallel::tasks(blocks * columns.len(), &|task| {
        let (block, columns) = (task / columns.len(), columns[task % columns.len()].clone());
        let rows = block * PIXELS..((block + 1) * PIXELS).min(rows);
        let at = rows.start * n + columns.start;
        let skip = skip.map(|skip| skip[at..].as_ptr());
        // SAFETY: these rows and columns are inside, and no other task's.
        unsafe {
            let x = &x[rows.start * k..rows.end * k];
            weight.product(x, columns, f, skip, out.at(at), Places::apart(n));
        }
    });
}
