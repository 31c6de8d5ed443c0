//! L_X as one operation on the CPU. With a thousand classes, candle's dozen small operations and their gradients would take as long as
//! a block of a network.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp2, DType, Device, Error, Layout, Shape, Tensor, WithDType};
use ndarray::NdFloat;

use super::log_softmax::log_softmax;
use crate::error::Result;

const NAME: &str = "cross_entropy";

/// L_X (DivideMix, eq. 9): cross entropy with soft targets, `-mean_b sum_c y_bc log p_bc`.
///
/// ```text
/// d logits_bc = (p_bc sum_k y_bk - y_bc) / B        d y_bc = -log p_bc / B
/// ```
///
/// It is one operation for f32 and f64 on the CPU; other types and devices have [`cross_entropy_by_candle`].
///
/// # Shapes
/// `logits`, `targets`: `[B, C]`; result: a scalar, in nats.
///
/// # Errors
/// candle's, where the shapes, types or devices differ.
pub fn cross_entropy(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    logits.dims2()?;
    let (lhs, rhs) = (logits.shape().clone(), targets.shape().clone());
    if lhs != rhs {
        return Err(Error::ShapeMismatchBinaryOp { lhs, rhs, op: NAME }.bt().into());
    }
    if !(logits.device().is_cpu() && matches!(logits.dtype(), DType::F32 | DType::F64)) {
        return cross_entropy_by_candle(logits, targets);
    }
    let op = CrossEntropy { of_logits: OnceLock::new() };
    Ok(logits.contiguous()?.apply_op2(&targets.contiguous()?, op)?)
}

/// [`cross_entropy`] by candle's operations, on any device and in any type that candle computes in.
///
/// # Shapes
/// `logits`, `targets`: `[B, C]`; result: a scalar, in nats.
///
/// # Errors
/// candle's, where the shapes, types or devices differ.
pub fn cross_entropy_by_candle(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    let rows = logits.dims2()?.0 as f64;
    Ok(((targets * log_softmax(logits)?)?.sum_all()? / -rows)?)
}

struct CrossEntropy {
    /// The gradient of the logits. The forward pass computes it too, because both need the exponentials.
    of_logits: OnceLock<Tensor>,
}

impl CrossEntropy {
    fn forward<T: NdFloat + WithDType>(
        &self,
        (logits, logits_layout): (&[T], &Layout),
        (targets, targets_layout): (&[T], &Layout),
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let shape = logits_layout.shape();
        let (loss, gradient) = loss_and_gradient(
            contiguous(logits, logits_layout)?,
            contiguous(targets, targets_layout)?,
            shape.dims2()?,
        );
        // An operation runs forward once, so the cell is empty.
        let _ = self.of_logits.set(Tensor::from_vec(gradient, shape, &Device::Cpu)?);
        Ok((T::to_cpu_storage_owned(vec![loss]), Shape::from(())))
    }
}

fn contiguous<'a, T>(values: &'a [T], layout: &Layout) -> candle_core::Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => Err(Error::RequiresContiguous { op: NAME }.bt()),
    }
}

/// In each row, with its largest logit subtracted: `p_c = e^(x_c) / s`, `s = sum_c e^(x_c)`, `-log p_c = log s - x_c`. A NaN
/// stays one.
fn loss_and_gradient<T: NdFloat>(
    logits: &[T],
    targets: &[T],
    (rows, classes): (usize, usize),
) -> (T, Vec<T>) {
    let sum = |values: &[T]| values.iter().fold(T::zero(), |sum, v| sum + *v);
    let share = T::one() / T::from(rows).unwrap_or_else(T::nan);
    let mut loss = T::zero();
    let mut gradient = Vec::with_capacity(logits.len());
    for (x, y) in logits.chunks_exact(classes.max(1)).zip(targets.chunks_exact(classes.max(1))) {
        let largest = x.iter().fold(T::neg_infinity(), |largest, x| largest.max(*x));
        let row = gradient.len();
        gradient.extend(x.iter().map(|x| (*x - largest).exp()));
        let e = &mut gradient[row..];
        let s = sum(e);
        let log_s = s.ln();
        let terms = x.iter().zip(y).map(|(x, y)| *y * (log_s - (*x - largest)));
        loss += terms.fold(T::zero(), |sum, term| sum + term);
        let scale = sum(y) / s;
        for (e, y) in e.iter_mut().zip(y) {
            *e = (*e * scale - *y) * share;
        }
    }
    (loss * share, gradient)
}

impl CustomOp2 for CrossEntropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        logits: &CpuStorage,
        logits_layout: &Layout,
        targets: &CpuStorage,
        targets_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        match (logits, targets) {
            (CpuStorage::F32(x), CpuStorage::F32(y)) => self.forward((x, logits_layout), (y, targets_layout)),
            (CpuStorage::F64(x), CpuStorage::F64(y)) => self.forward((x, logits_layout), (y, targets_layout)),
            _ => candle_core::bail!("{NAME}: logits and targets are both f32 or both f64"),
        }
    }

    fn bwd(
        &self,
        logits: &Tensor,
        targets: &Tensor,
        _loss: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let of_logits = self.of_logits.get().map(|gradient| gradient.broadcast_mul(dy)).transpose()?;
        if !targets.track_op() {
            return Ok((of_logits, None));
        }
        let rows = logits.dims2()?.0 as f64;
        let log_p = log_softmax(&logits.detach()).map_err(Error::wrap)?;
        Ok((of_logits, Some((log_p.broadcast_mul(dy)? / -rows)?)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{D, Device, Var};

    use super::*;

    /// eq. 9 as it is written, by candle's operations.
    fn slow(logits: &Tensor, targets: &Tensor) -> Tensor {
        let log_p = log_softmax(logits).unwrap();
        (targets * log_p).unwrap().sum(D::Minus1).unwrap().mean_all().unwrap().neg().unwrap()
    }

    /// The largest difference, as a share of the largest value.
    fn difference(slow: &Tensor, fast: &Tensor) -> f64 {
        let largest = |x: &Tensor| -> f64 {
            let x = x.abs().unwrap().flatten_all().unwrap();
            x.to_dtype(DType::F64).unwrap().max(0).unwrap().to_scalar().unwrap()
        };
        largest(&(slow - fast).unwrap()) / largest(slow)
    }

    #[test]
    fn loss_and_both_gradients_are_those_of_its_formula() {
        for (dtype, most) in [(DType::F32, 1e-5), (DType::F64, 1e-14)] {
            for (rows, classes) in [(1, 2), (3, 2), (7, 10), (16, 1000)] {
                let random = |mean, std| Tensor::randn(mean, std, (rows, classes), &Device::Cpu).unwrap();
                let logits = Var::from_tensor(&random(0f64, 4.0).to_dtype(dtype).unwrap()).unwrap();
                // The rows are no distributions, so that the gradient depends on their sums.
                let targets = Var::from_tensor(&random(1f64, 0.5).to_dtype(dtype).unwrap()).unwrap();
                // The arguments are transposed views, and the loss has a weight.
                let back = |x: &Var| x.t().unwrap().contiguous().unwrap().t().unwrap();
                for form in [cross_entropy, cross_entropy_by_candle] {
                    let both = [slow(&logits, &targets), form(&back(&logits), &back(&targets)).unwrap()];
                    assert!(difference(&both[0], &both[1]) <= most, "{both:?}");
                    let [slow, fast] = both.map(|loss| (loss * 3.0).unwrap().backward().unwrap());
                    for var in [&logits, &targets] {
                        let away = difference(slow.get(var).unwrap(), fast.get(var).unwrap());
                        assert!(away <= most, "{dtype:?} [{rows}, {classes}]: {away}");
                    }
                }
            }
        }
    }

    #[test]
    fn types_without_a_fused_operation_have_candles() {
        let of_type = |x: &Tensor| x.to_dtype(DType::F16).unwrap();
        let logits = Tensor::new(&[[2f32, 0.0, -1.0], [0.5, 1.0, 0.0]], &Device::Cpu).unwrap();
        let targets = Tensor::new(&[[1f32, 0.0, 0.0], [0.25, 0.5, 0.25]], &Device::Cpu).unwrap();
        let exact = slow(&logits, &targets);
        let half = cross_entropy(&of_type(&logits), &of_type(&targets)).unwrap();
        assert_eq!(half.dtype(), DType::F16);
        // f16 has 11 bits.
        assert!(difference(&exact, &half.to_dtype(DType::F32).unwrap()) <= 2e-3, "{half} {exact}");
    }

    #[test]
    fn a_nan_stays_one_and_other_shapes_and_types_are_errors() {
        let nan = Tensor::new(&[[0f32, f32::NAN]], &Device::Cpu).unwrap();
        let targets = Tensor::new(&[[1f32, 0.0]], &Device::Cpu).unwrap();
        assert!(cross_entropy(&nan, &targets).unwrap().to_scalar::<f32>().unwrap().is_nan());
        assert!(cross_entropy(&targets, &targets.t().unwrap()).is_err());
        assert!(cross_entropy(&targets, &targets.to_dtype(DType::F64).unwrap()).is_err());
        assert!(cross_entropy(&targets.flatten_all().unwrap(), &targets.flatten_all().unwrap()).is_err());
    }
}
