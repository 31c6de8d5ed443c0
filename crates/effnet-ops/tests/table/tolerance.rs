//! How far a result may be from the exact one.
//!
//! A type rounds each value to some number of bits, so an error is counted in units of its last place beside the largest exact
//! value (or 1, if that is smaller). How many of these units an operation may be off is a fact of the operation: the roundings on
//! the way to a value. The same number holds for every type, way and device.
//!
//! In 16 bits that is wide: a block's gradient may be off by its largest value. There the rows tell that a type is computed, to the
//! right size, or refused; the formulas are held by the same rows in f32 and f64.

use candle_core::DType;

/// Error of central differences, which exact gradients are taken from where they come from the slow twin: of the fourth order with a
/// step of 1e-5, so that in f64 rounding leaves some 1e-9 beside a loss of 100, and the fifth derivative nearly nothing, also where a batch
/// norm of few values has large derivatives.
pub(crate) const DIFFERENCES: f64 = 1e-7;

/// Units in the last place, of each kind of result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Roundings {
    /// Of the result, and of the gradients.
    pub(crate) values: usize,
    pub(crate) gradients: usize,
    /// Of further results.
    pub(crate) others: usize,
}

impl Roundings {
    /// The same for all.
    pub(crate) fn of_values(units: usize) -> Self {
        Self { values: units, gradients: units, others: units }
    }
}

/// The distance from 1 to the next number of the type.
pub(crate) fn unit(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => f64::EPSILON,
        DType::F16 => 2f64.powi(-10),
        DType::BF16 => 2f64.powi(-7),
        _ => f64::from(f32::EPSILON),
    }
}
