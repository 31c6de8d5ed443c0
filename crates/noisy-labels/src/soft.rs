//! Soft labels: rows of a `[B, C]` tensor that sum to 1.
//!
//! All functions here make *targets*, which training treats as constants (the reference code runs them under `no_grad`), so
//! results are detached from the graph of their arguments.

use candle_core::{D, Device, Tensor};

use crate::error::{Error, Result, check_labels};

/// One-hot rows of class ids.
///
/// # Shapes
/// `labels`: B ids below `classes`; result: `[B, classes]`, f32.
///
/// # Errors
/// [`Error::Label`] for an id that is not a class.
pub fn one_hot(labels: &[usize], classes: usize, device: &Device) -> Result<Tensor> {
    check_labels(labels, classes)?;
    let mut rows = vec![0f32; labels.len() * classes];
    for (row, &label) in labels.iter().enumerate() {
        rows[row * classes + label] = 1.0;
    }
    Ok(Tensor::from_vec(rows, (labels.len(), classes), device)?)
}

/// Label smoothing (Szegedy et al. 2016, section 7): `y (1 - amount) + amount / C`.
///
/// # Shapes
/// `y` and result: `[B, C]`.
///
/// # Errors
/// [`Error::OutOfRange`] unless `amount` is in `0..=1`.
pub fn smooth(y: &Tensor, amount: f64) -> Result<Tensor> {
    if !(0.0..=1.0).contains(&amount) {
        return Err(Error::OutOfRange { name: "label smoothing", value: amount, range: "in 0..=1" });
    }
    let (_, classes) = y.dims2()?;
    Ok(y.detach().affine(1.0 - amount, amount / classes as f64)?)
}

/// Soft bootstrapping (Reed et al. 2015, eq. 6): `(1 - amount) y + amount p`, the same amount for all samples, where co-refinement has an
/// amount for each.
///
/// # Shapes
/// `y` (the given labels), `p` (the network's prediction) and result: `[B, C]`.
///
/// # Errors
/// [`Error::OutOfRange`] unless `amount` is in `0..=1`; candle's where shapes differ.
pub fn bootstrap(y: &Tensor, p: &Tensor, amount: f64) -> Result<Tensor> {
    if !(0.0..=1.0).contains(&amount) {
        return Err(Error::OutOfRange { name: "share of the prediction", value: amount, range: "in 0..=1" });
    }
    Ok(((y.detach() * (1.0 - amount))? + (p.detach() * amount)?)?)
}

/// Sharpening (MixMatch, Berthelot et al. 2019, eq. 7): `p_c^(1/T) / sum_k p_k^(1/T)`.
///
/// Each row is divided by its largest entry before the power is taken, so that the sum is at least 1 at any temperature. A row of
/// zeros, which is not a distribution, stays a row of zeros.
///
/// # Shapes
/// `p` and result: `[B, C]`.
///
/// # Errors
/// [`Error::OutOfRange`] unless `temperature` is above 0 and finite.
pub fn sharpen(p: &Tensor, temperature: f64) -> Result<Tensor> {
    if !(temperature > 0.0 && temperature.is_finite()) {
        return Err(Error::OutOfRange {
            name: "temperature",
            value: temperature,
            range: "above 0 and finite",
        });
    }
    let p = p.detach();
    let largest = p.max_keepdim(D::Minus1)?.maximum(f64::from(f32::MIN_POSITIVE))?;
    let powers = p.broadcast_div(&largest)?.powf(1.0 / temperature)?;
    // The largest power of a row is 1, so only a row of zeros has a sum below 1.
    let sums = powers.sum_keepdim(D::Minus1)?.maximum(1.0)?;
    Ok(powers.broadcast_div(&sums)?)
}

/// Co-refinement (DivideMix, Li et al. 2020, eq. 3; Algorithm 1, line 18): `w y + (1 - w) p`, before sharpening.
///
/// # Shapes
/// `y` (the given labels) and `p` (this network's mean prediction): `[B, C]`; `clean_probability`: `[B]`, of the same
/// dtype; result: `[B, C]`.
///
/// # Errors
/// candle's, with the shapes, where these do not fit.
pub fn co_refine(y: &Tensor, clean_probability: &Tensor, p: &Tensor) -> Result<Tensor> {
    let (y, p) = (y.detach(), p.detach());
    let w = clean_probability.detach().reshape((y.dims2()?.0, 1))?;
    // p + w (y - p): the same, with one product less.
    Ok((&p + (y - &p)?.broadcast_mul(&w)?)?)
}

/// Co-guessing (DivideMix, Algorithm 1, line 20): the mean of both networks' predictions over all augmentations,
/// before sharpening.
///
/// # Shapes
/// Each prediction and the result: `[B, C]`.
///
/// # Errors
/// [`Error::Length`] where there is no prediction; candle's where shapes differ.
pub fn co_guess(predictions: &[Tensor]) -> Result<Tensor> {
    let Some((first, rest)) = predictions.split_first() else {
        return Err(Error::Length { what: "predictions to guess from", expected: 1, found: 0 });
    };
    let mut sum = first.detach();
    for prediction in rest {
        sum = (sum + prediction.detach())?;
    }
    Ok((sum / predictions.len() as f64)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sharpening_at_a_low_temperature_keeps_zeros_and_sums_to_one() {
        let p = Tensor::new(&[[0.0f32, 1e-30, 2e-30, 0.0], [0.0, 0.6, 0.4, 0.0]], &Device::Cpu).unwrap();
        let sharp: Vec<Vec<f32>> = sharpen(&p, 0.1).unwrap().to_vec2().unwrap();
        let weight = 2f32.powi(10);
        assert_eq!(sharp[0], [0.0, 1.0 / (1.0 + weight), weight / (1.0 + weight), 0.0]);
        assert!((sharp[1].iter().sum::<f32>() - 1.0).abs() < 1e-6 && sharp[1][0] == 0.0);
    }

    #[test]
    fn a_row_of_zeros_stays_a_row_of_zeros() {
        let p = Tensor::zeros((1, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert_eq!(sharpen(&p, 0.5).unwrap().to_vec2::<f32>().unwrap(), [[0.0; 3]]);
    }

    #[test]
    fn impossible_arguments_are_named_in_the_error() {
        let p = Tensor::new(&[[0.5f32, 0.5]], &Device::Cpu).unwrap();
        for t in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(sharpen(&p, t).unwrap_err().to_string().starts_with("temperature is"));
        }
        assert!(smooth(&p, 1.5).unwrap_err().to_string().starts_with("label smoothing is 1.5"));
        assert_eq!(
            one_hot(&[0, 2], 2, &Device::Cpu).unwrap_err().to_string(),
            "label 2 of sample 1 is not a class: with 2 classes, ids run from 0 below 2"
        );
        assert!(co_guess(&[]).is_err());
    }

    #[test]
    fn targets_carry_no_gradient() {
        let p = candle_core::Var::new(&[[0.2f32, 0.8]], &Device::Cpu).unwrap();
        let w = candle_core::Var::new(&[0.5f32], &Device::Cpu).unwrap();
        let y = one_hot(&[0], 2, &Device::Cpu).unwrap();
        let target = sharpen(&co_refine(&y, &w, &p).unwrap(), 0.5).unwrap();
        let guess = co_guess(&[p.as_tensor().clone()]).unwrap();
        let gradients = (target + guess).unwrap().sum_all().unwrap().backward().unwrap();
        assert!(gradients.get(&p).is_none() && gradients.get(&w).is_none());
    }
}
