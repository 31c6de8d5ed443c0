//! Learning from a teacher's soft labels.

use candle_core::{D, Tensor};

use super::log_softmax::log_softmax;
use crate::error::{Error, Result};

/// Knowledge distillation (Hinton, Vinyals & Dean 2015, section 2): `T^2 KL(softmax(teacher / T) || softmax(student / T))`, the
/// mean over samples. The factor T^2 keeps the size of gradients independent of T.
///
/// It is label smoothing whose mass the teacher distributes over the classes; the higher the temperature, the more evenly.
///
/// # Shapes
/// Both logits: `[B, C]`; the teacher's are detached. Result: a scalar, in nats.
///
/// # Errors
/// [`Error::OutOfRange`] unless `temperature` is above 0 and finite; candle's, where the shapes differ.
pub fn distillation(student: &Tensor, teacher: &Tensor, temperature: f64) -> Result<Tensor> {
    if !(temperature > 0.0 && temperature.is_finite()) {
        return Err(Error::OutOfRange {
            name: "temperature",
            value: temperature,
            range: "above 0 and finite",
        });
    }
    let log_q = log_softmax(&(teacher.detach() / temperature)?)?;
    let log_p = log_softmax(&(student / temperature)?)?;
    let divergence = (log_q.exp()? * (log_q - log_p)?)?.sum(D::Minus1)?.mean_all()?;
    Ok((divergence * temperature.powi(2))?)
}
