//! Global average pooling: the mean over an image's pixels, EfficientNet's decoder.
//!
//! ```text
//! y[n, c] = mean over (i, j) of x[n, i, j, c]        dx[n, i, j, c] = dy[n, c] / (H W)
//! ```

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use crate::by_candle;
use crate::channels::{self, ChannelMap, Rows, column_sums};
use crate::dispatch::level;
use crate::error::shape_error;
use crate::host;
use crate::simd::Simd;

const NAME: &str = "global_avg_pool";

/// The mean of each channel of each image.
///
/// # Shapes
/// `x` [N, H, W, C], to [N, C].
///
/// # Errors
/// If `x` has another number of dimensions or no pixels, or is on the CPU and not f32.
pub fn global_avg_pool(x: &Tensor) -> Result<Tensor> {
    if x.rank() != 4 || x.elem_count() == 0 {
        return Err(shape_error(NAME, &[("x", x.dims())], "x [N, H, W, C] without a 0"));
    }
    if by_candle::is_wanted(x) {
        return x.flatten(1, 2)?.mean(1);
    }
    x.contiguous()?.apply_op1(GlobalAvgPool)
}

struct GlobalAvgPool;

/// The group's parameter, times a factor.
#[derive(Clone, Copy)]
struct Spread(f32);

impl ChannelMap<0, 1> for Spread {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, []: [S::F; 0], [dy]: [S::F; 1]) -> S::F {
        s.mul(dy, s.splat(self.0))
    }
}

impl CustomOp1 for GlobalAvgPool {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let shape = Rows::by_image(layout.dims());
        let sums = column_sums(level(), shape, host::floats(NAME, x, layout)?);
        let means = sums.iter().map(|sum| (sum / shape.rows as f64) as f32).collect();
        Ok((CpuStorage::F32(means), (shape.groups, shape.channels).into()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let shape = Rows::by_image(x.dims());
        let dx = host::read(NAME, [dy], |[dy]| {
            Ok(channels::map(level(), shape, [], [dy], Spread(1.0 / shape.rows as f32)))
        })?;
        host::tensor(dx, x.shape()).map(Some)
    }
}
