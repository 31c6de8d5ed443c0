//! The step of stochastic gradient descent with momentum and weight decay, in place.
//!
//! ```text
//! v <- momentum v + (g + weight_decay p)        p <- p - lr v
//! ```
//!
//! As `torch.optim.SGD` (PyTorch 2.x, dampening 0, no Nesterov): its first step, which sets v to the
//! gradient, is this with a v of zeros.
//!
//! A network has hundreds of parameters, most of them small: a parallel loop for each is mostly waking threads up. So they
//! move in one loop. candle lends a variable's values to one caller at a time, so its tasks are whole parameters, and each
//! locks no other's: who reads several parameters at once in another thread (an evaluation) would otherwise wait for one that
//! the step holds, while the step waits for one that the reader holds. Large parameters, of which the last would keep a
//! thread busy after the others are done, are cut in pieces, each in a loop of its own.

mod check;
mod kernel;

use candle_core::{Result, Tensor, Var};

use crate::dispatch::{self, Level, level};
use crate::host;
use crate::parallel::{self, LARGE, PIECE};
use kernel::{Factors, Piece};

const NAME: &str = "sgd_step";

/// The settings of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f64,
    /// What is kept of the velocity.
    pub momentum: f64,
    /// L2 penalty, as a share of the parameter that is added to its gradient.
    pub weight_decay: f64,
}

/// A parameter, and what moves it.
#[derive(Debug, Clone, Copy)]
pub struct Moved<'a> {
    /// p.
    pub parameter: &'a Var,
    /// v.
    pub velocity: &'a Var,
    /// g.
    pub gradient: &'a Tensor,
}

/// Moves parameters and their velocities by one step. Each value is read and written once.
///
/// # Shapes
/// A parameter, its velocity and its gradient have one shape; they may differ from the next one's.
///
/// # Errors
/// If the shapes differ, a tensor is not f32 on the CPU, or a parameter or velocity is in the list twice; nothing is changed
/// then.
pub fn sgd_step(list: &[Moved<'_>], settings: &Sgd) -> Result<()> {
    let gradients = list.iter().map(|moved| moved.gradient.contiguous()).collect::<Result<Vec<_>>>()?;
    let list: Vec<Moved<'_>> =
        list.iter().zip(&gradients).map(|(moved, gradient)| Moved { gradient, ..*moved }).collect();
    check::check(&list)?;

    let (level, factors) = (level(), Factors::from(settings));
    let (large, others): (Vec<_>, Vec<_>) = list.into_iter().partition(|moved| moved.values() >= LARGE);
    for moved in large {
        moved.change(factors, |whole| {
            parallel::map(whole.cut(PIECE), |piece| dispatch::run(level, piece));
        })?;
    }
    let tasks = parallel::neighbours(&others, Moved::values);
    parallel::map(tasks, |task| task.iter().try_for_each(|moved| moved.step(level, factors)))
        .into_iter()
        .collect()
}

impl Moved<'_> {
    fn values(&self) -> usize {
        self.parameter.elem_count()
    }

    /// On this thread.
    fn step(&self, level: Level, factors: Factors) -> Result<()> {
        self.change(factors, |whole| dispatch::run(level, whole))
    }

    /// Calls `f` with all values.
    fn change(&self, factors: Factors, f: impl FnOnce(Piece<'_>)) -> Result<()> {
        host::read(NAME, [self.gradient], |[g]| {
            host::change(NAME, self.parameter, |p| {
                host::change(NAME, self.velocity, |v| {
                    f(Piece { p, v, g, factors });
                    Ok(())
                })
            })
        })
    }
}
