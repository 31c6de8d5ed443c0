//! What a step takes.

use candle_core::{Tensor, Var};

/// The name of the operation in errors.
pub(super) const NAME: &str = "sgd_step";

/// The settings of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f64,
    /// Share of the velocity that a step keeps.
    pub momentum: f64,
    /// L2 penalty: the share of the parameter that is added to its gradient.
    pub weight_decay: f64,
}

/// A parameter with its velocity and its gradient.
#[derive(Debug, Clone, Copy)]
pub struct SgdParam<'a> {
    /// The parameter p.
    pub parameter: &'a Var,
    /// Its velocity v.
    pub velocity: &'a Var,
    /// Its gradient g.
    pub gradient: &'a Tensor,
}
