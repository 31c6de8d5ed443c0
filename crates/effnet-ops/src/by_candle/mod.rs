//! Operations by candle's own, which hold for any device: where a tensor is not on the CPU, and where a caller asks for it.
//!
//! Each operation's formula in candle's terms stands in its own folder (`by_candle.rs`, or the first lines of a short operation).
//! candle makes the gradients, so they need no code. They serve as the slow path of other devices, and as a second opinion on the
//! kernels: the tests hold both against each other on the CPU.

mod taps;

use std::cell::Cell;

use candle_core::{Device, Result, Tensor};

pub(crate) use taps::Taps;

thread_local! {
    static FORCED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f`, on this thread, with all operations of this crate computed by candle's own, as they are where tensors are not on
/// the CPU. Results agree with those of the kernels but for rounding.
///
/// Gradients follow the operations that made the graph: a backward pass after `f` is candle's too.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::new(&[[-1f32, 0.0, 2.0]], &Device::Cpu)?;
/// let kernel = effnet_ops::swish(&x, 1.0)?;
/// let candle = effnet_ops::by_candle(|| effnet_ops::swish(&x, 1.0))?;
/// assert!((kernel - candle)?.abs()?.max_all()?.to_scalar::<f32>()? < 1e-6);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn by_candle<T>(f: impl FnOnce() -> T) -> T {
    /// Puts the switch back, also when `f` panics.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _restore = Restore(FORCED.replace(true));
    f()
}

/// Whether an operation on `x` is computed by candle's own.
pub(crate) fn is_wanted(x: &Tensor) -> bool {
    is_wanted_on(x.device())
}

/// Whether operations on this device are computed by candle's own.
pub(crate) fn is_wanted_on(device: &Device) -> bool {
    FORCED.get() || !device.is_cpu()
}

/// 1 / (1 + exp(-x)), as (1 + tanh(x / 2)) / 2, which has no overflow in its gradient.
pub(crate) fn sigmoid(x: &Tensor) -> Result<Tensor> {
    x.affine(0.5, 0.0)?.tanh()?.affine(0.5, 0.5)
}

/// x w^T: [.., Cin] and a weight of Cout rows to [.., Cout].
pub(crate) fn product(x: &Tensor, w: &Tensor) -> Result<Tensor> {
    let mut dims = x.dims().to_vec();
    let (Some(channels), outputs) = (dims.last_mut(), w.dims()[0]) else {
        candle_core::bail!("a product of a tensor without dimensions")
    };
    let inputs = std::mem::replace(channels, outputs);
    let rows = x.elem_count() / inputs;
    x.reshape((rows, inputs))?.matmul(&w.reshape((outputs, inputs))?.t()?)?.reshape(dims)
}
