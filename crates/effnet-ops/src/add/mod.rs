//! The sum of a residual branch and its skip connection, on all cores.
//!
//! ```text
//! y = a + b        da = dy        db = dy
//! ```

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use crate::by_candle;
use crate::dispatch::level;
use crate::elementwise::{self, Map};
use crate::error::shape_error;
use crate::host;
use crate::simd::Simd;

const NAME: &str = "add";

/// a + b.
///
/// # Shapes
/// Two tensors of one shape, to that shape; nothing is broadcast.
///
/// # Errors
/// If the shapes differ, or a tensor on the CPU is not f32.
pub fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.dims() != b.dims() {
        return Err(shape_error(NAME, &[("a", a.dims()), ("b", b.dims())], "two equal shapes"));
    }
    if by_candle::is_wanted(a) {
        return a + b;
    }
    a.contiguous()?.apply_op2(&b.contiguous()?, Add)
}

#[derive(Clone, Copy)]
struct Add;

impl Map<2> for Add {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [a, b]: [S::F; 2]) -> S::F {
        s.add(a, b)
    }
}

impl CustomOp2 for Add {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (a, b) = (host::floats(NAME, a, a_layout)?, host::floats(NAME, b, b_layout)?);
        Ok((CpuStorage::F32(elementwise::map(level(), [a, b], Add)), a_layout.shape().clone()))
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((a.track_op().then(|| dy.clone()), b.track_op().then(|| dy.clone())))
    }
}
