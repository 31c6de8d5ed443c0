//! The step of stochastic gradient descent with momentum and weight decay, in place.
//!
//! ```text
//! v <- momentum v + (g + weight_decay p)        p <- p - lr v
//! ```
//!
//! As `torch.optim.SGD` (PyTorch 2.x, dampening 0, no Nesterov): its first step, which sets v to the
//! gradient, is this with a v of zeros.
//!
//! A network has hundreds of parameters, most of them small, and a parallel loop for each would mostly wake threads up. So
//! the small ones are updated in one loop. candle lends a variable's values to one caller at a time, so a task is some whole
//! parameters, and it locks one at a time: a thread that reads several parameters at once (an evaluation) and a step that
//! holds several would otherwise wait for each other. A large parameter would keep one thread busy after the others are
//! done, so it is cut in pieces, in a loop of its own.

mod check;
mod kernel;
mod param;

use candle_core::Result;

use crate::dispatch::{self, Level, level};
use crate::host;
use crate::parallel::{self, LARGE, PIECE};
use kernel::{Factors, Piece};
use param::NAME;
pub use param::{Sgd, SgdParam};

/// Updates parameters and their velocities by one step. Each value is read and written once.
///
/// # Shapes
/// A parameter, its velocity and its gradient have one shape; they may differ from the next one's.
///
/// # Errors
/// If the shapes differ, a tensor is not f32 on the CPU, or a parameter or velocity is in the list twice; nothing is changed
/// then.
pub fn sgd_step(list: &[SgdParam<'_>], settings: &Sgd) -> Result<()> {
    let gradients = list.iter().map(|param| param.gradient.contiguous()).collect::<Result<Vec<_>>>()?;
    let list: Vec<SgdParam<'_>> =
        list.iter().zip(&gradients).map(|(param, gradient)| SgdParam { gradient, ..*param }).collect();
    check::check(&list)?;

    let (level, factors) = (level(), Factors::from(settings));
    let (large, others): (Vec<_>, Vec<_>) = list.into_iter().partition(|param| param.values() >= LARGE);
    for param in large {
        param.change(factors, |whole| {
            parallel::map(whole.cut(PIECE), &|piece| dispatch::run(level, piece));
        })?;
    }
    let tasks = parallel::neighbours(&others, SgdParam::values);
    parallel::map(tasks, &|task: &[_]| task.iter().try_for_each(|param| param.step(level, factors)))
        .into_iter()
        .collect()
}

impl SgdParam<'_> {
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
