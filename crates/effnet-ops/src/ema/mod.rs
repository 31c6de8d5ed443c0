//! The step of an exponential moving average, in place.
//!
//! ```text
//! a <- momentum a + (1 - momentum) x
//! ```
//!
//! On a network's parameters this is Polyak averaging as it is used today: SGD's steps go along the walls of a valley, and the
//! average lies nearer to its middle. Variables are cut in tasks as in [`crate::sgd_step`], for the same reasons.

mod kernel;

use std::collections::HashSet;

use candle_core::{Result, Var};

use crate::error::shape_error;
use crate::parallel::{self, PIECE};
use crate::{Error, dispatch, host};
use kernel::Piece;

const NAME: &str = "ema_step";

/// An average, and the variable that it follows.
#[derive(Debug, Clone, Copy)]
pub struct EmaParam<'a> {
    /// The average a.
    pub average: &'a Var,
    /// The variable x.
    pub value: &'a Var,
}

/// Updates averages by one step towards the variables that they follow. Each value is read and written once.
///
/// # Shapes
/// An average and its value have one shape; they may differ from the next one's.
///
/// # Errors
/// If the shapes differ, a variable is not f32 on the CPU, or an average is in the list twice or is a value of it; nothing is
/// changed then.
pub fn ema_step(list: &[EmaParam<'_>], momentum: f64) -> Result<()> {
    check(list)?;
    let level = dispatch::level();
    let (large, others): (Vec<&EmaParam<'_>>, _) =
        list.iter().partition(|param| param.average.elem_count() >= parallel::LARGE);
    for param in large {
        param.change(momentum, |whole| {
            parallel::map(whole.cut(PIECE), &|piece| dispatch::run(level, piece));
        })?;
    }
    let tasks = parallel::neighbours(&others, |param| param.average.elem_count());
    let step = |param: &&EmaParam<'_>| param.change(momentum, |whole| dispatch::run(level, whole));
    parallel::map(tasks, &|task: &[_]| task.iter().try_for_each(step)).into_iter().collect()
}

fn check(list: &[EmaParam<'_>]) -> Result<()> {
    let mut averages = HashSet::new();
    for (index, EmaParam { average, value }) in list.iter().enumerate() {
        if average.dims() != value.dims() {
            let arguments = [("average", average.dims()), ("value", value.dims())];
            return Err(shape_error(NAME, &arguments, "two equal shapes"));
        }
        if !averages.insert(host::place(NAME, average)?) {
            return Err(Error::Shared { op: NAME, role: "average", index }.into());
        }
    }
    for (index, EmaParam { value, .. }) in list.iter().enumerate() {
        if averages.contains(&host::place(NAME, value)?) {
            return Err(Error::Shared { op: NAME, role: "value", index }.into());
        }
    }
    Ok(())
}

impl EmaParam<'_> {
    /// Calls `f` with all values.
    fn change(&self, momentum: f64, f: impl FnOnce(Piece<'_>)) -> Result<()> {
        host::read(NAME, [self.value.as_tensor()], |[x]| {
            host::change(NAME, self.average, |a| {
                f(Piece { a, x, momentum: momentum as f32, rest: (1.0 - momentum) as f32 });
                Ok(())
            })
        })
    }
}
