//! The losses as functions of logits `[B, C]`; f32 or f64.

use candle_core::{D, Tensor};

use super::log_softmax::log_softmax;
use crate::error::Result;

/// L_U (DivideMix, eq. 10, as the authors' code computes it): squared distance of softmax and target, the mean over
/// samples *and* classes. The sum over classes, as the paper writes it, is C times as much.
///
/// # Shapes
/// `logits`, `targets`: `[B, C]`; result: a scalar.
///
/// # Errors
/// candle's, where the shapes differ.
pub fn unlabeled_loss(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    Ok((log_softmax(logits)?.exp()? - targets)?.sqr()?.mean_all()?)
}

/// L_reg (DivideMix, eq. 11): `sum_c pi_c log(pi_c / mean_b p_bc)` with the uniform prior `pi_c = 1 / C`. It grows as the network
/// assigns all samples to one class.
///
/// The logarithm of the mean probability is computed as a log-sum-exp of log probabilities. So it and its gradient stay finite for a
/// class whose probabilities are all 0 in f32.
///
/// # Shapes
/// `logits`: `[B, C]`; result: a scalar, in nats.
///
/// # Errors
/// candle's, for another shape.
pub fn prior_loss(logits: &Tensor) -> Result<Tensor> {
    let (batch, classes) = logits.dims2()?;
    let log_p = log_softmax(logits)?;
    let largest = log_p.detach().max_keepdim(0)?;
    let log_sum = (log_p.broadcast_sub(&largest)?.exp()?.sum_keepdim(0)?.log()? + &largest)?;
    // sum_c (1/C) (log(1/C) - (log_sum_c - log B)) = log(B / C) - mean_c log_sum_c
    Ok(log_sum.mean_all()?.affine(-1.0, (batch as f64 / classes as f64).ln())?)
}

/// The confidence penalty (Pereyra et al. 2017): the negative entropy `mean_b sum_c p_bc log p_bc`, to be added to the
/// loss with a positive weight.
///
/// # Shapes
/// `logits`: `[B, C]`; result: a scalar in `-ln C..=0`, in nats.
///
/// # Errors
/// candle's, for a tensor without dimensions.
pub fn negative_entropy(logits: &Tensor) -> Result<Tensor> {
    let log_p = log_softmax(logits)?;
    Ok((log_p.exp()? * log_p)?.sum(D::Minus1)?.mean_all()?)
}

#[cfg(test)]
mod tests {
    use super::super::cross_entropy;
    use super::*;
    use candle_core::{Device, Var};

    fn finite(t: &Tensor) -> bool {
        t.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|v| v.is_finite())
    }

    #[test]
    fn losses_and_gradients_stay_finite_for_absurdly_confident_logits() {
        let logits = Var::new(&[[1e4f32, -1e4, 0.0], [1e4, -1e4, 0.0]], &Device::Cpu).unwrap();
        let targets = Tensor::new(&[[0f32, 1.0, 0.0], [1.0, 0.0, 0.0]], &Device::Cpu).unwrap();
        for loss in [
            cross_entropy(&logits, &targets).unwrap(),
            unlabeled_loss(&logits, &targets).unwrap(),
            prior_loss(&logits).unwrap(),
            negative_entropy(&logits).unwrap(),
        ] {
            let gradients = loss.backward().unwrap();
            assert!(finite(&loss) && finite(gradients.get(&logits).unwrap()), "{loss:?}");
        }
    }

    #[test]
    fn prior_loss_pulls_towards_a_class_whose_probability_vanished() {
        // By hand: mean log p_c = 0, -2000 (f32 exp: 0), so the loss is -ln 2 + 1000 and its gradient in the vanished
        // class, summed over the batch, is p_mean - pi = -1/2.
        let logits = Var::new(&[[0f32, -2000.0], [0.0, -2000.0]], &Device::Cpu).unwrap();
        let loss = prior_loss(&logits).unwrap();
        assert!((loss.to_scalar::<f32>().unwrap() - (1000.0 - 2f32.ln())).abs() < 1e-3);
        let gradient: Vec<Vec<f32>> = loss.backward().unwrap().get(&logits).unwrap().to_vec2().unwrap();
        assert_eq!(gradient, [[0.25, -0.25], [0.25, -0.25]]);
    }
}
