//! The statistics of one batch, and how the running ones follow them.

use candle_core::{Result, Tensor, Var};

use crate::error::shape_error;
use crate::host;

/// Mean and variance of each channel over one batch, by which the running statistics move. They carry no gradient.
#[derive(Debug, Clone)]
pub struct BatchStatistics {
    /// Mean of each channel, shape `[C]`.
    pub mean: Tensor,
    /// Biased variance of each channel (divided by `count`), shape `[C]`.
    pub var: Tensor,
    /// Values that a channel's statistics come from: N H W.
    pub count: usize,
}

impl BatchStatistics {
    /// Moves running statistics towards these, as PyTorch does: `running = (1 - momentum) running + momentum batch`, the
    /// variance by the unbiased one, though the biased one normalises. A batch of one value a channel has no such variance
    /// and leaves both as they are (PyTorch refuses it).
    ///
    /// # Shapes
    /// `running_mean` and `running_var`: `[C]`.
    ///
    /// # Errors
    /// If a shape does not fit, or a variable on the CPU is not contiguous f32.
    pub fn track(&self, running_mean: &Var, running_var: &Var, momentum: f64) -> Result<()> {
        const OP: &str = "track";
        if self.count < 2 {
            return Ok(());
        }
        let unbiased = self.count as f64 / (self.count - 1) as f64;
        let pairs = [(running_mean, &self.mean, 1.0), (running_var, &self.var, unbiased)];
        if let Some((running, batch, _)) =
            pairs.iter().find(|(running, batch, _)| running.dims() != batch.dims())
        {
            let shapes = [("running", running.dims()), ("batch", batch.dims())];
            return Err(shape_error(OP, &shapes, "both [C]"));
        }
        for (running, batch, scale) in pairs {
            if !running.device().is_cpu() {
                running
                    .set(&(running.affine(1.0 - momentum, 0.0)? + batch.affine(momentum * scale, 0.0)?)?)?;
                continue;
            }
            let (keep, take) = ((1.0 - momentum) as f32, (momentum * scale) as f32);
            let batch = batch.to_vec1::<f32>()?;
            host::change(OP, running, |running| {
                for (running, batch) in running.iter_mut().zip(batch) {
                    *running = *running * keep + batch * take;
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}
