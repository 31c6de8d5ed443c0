//! The step of an exponential moving average, in place.
//!
//! ```text
//! a <- momentum a + (1 - momentum) x
//! ```
//!
//! Of a network's parameters it is Polyak averaging as it is used today: the average lies nearer to the middle of the valley along
//! whose walls the steps of SGD go. Variables are cut up as by [`crate::sgd_step`], and for its reasons.

mod kernel;

use std::collections::HashSet;

use candle_core::{Result, Var};

use crate::error::shape_error;
use crate::parallel::{self, PIECE};
use crate::{Error, dispatch, host};
use kernel::Piece;

const NAME: &str = "average_step";

/// An average, and what it is of.
#[derive(Debug, Clone, Copy)]
pub struct Averaged<'a> {
    /// a.
    pub average: &'a Var,
    /// x.
    pub value: &'a Var,
}

/// Moves averages by one step towards what they are of. Each value is read and written once.
///
/// # Shapes
/// An average and its value have one shape; they may differ from the next one's.
///
/// # Errors
/// If the shapes differ, a variable is not f32 on the CPU, or an average is in the list twice or is a value of it; nothing is
/// changed then.
pub fn average_step(list: &[Averaged<'_>], momentum: f64) -> Result<()> {
    check(list)?;
    let level = dispatch::level();
    let (large, others): (Vec<&Averaged<'_>>, _) =
        list.iter().partition(|averaged| averaged.average.elem_count() >= parallel::LARGE);
    for averaged in large {
        averaged.change(momentum, |whole| {
            parallel::map(whole.cut(PIECE), |piece| dispatch::run(level, piece));
        })?;
    }
    let tasks = parallel::neighbours(&others, |averaged| averaged.average.elem_count());
    let step = |averaged: &&Averaged<'_>| averaged.change(momentum, |whole| dispatch::run(level, whole));
    parallel::map(tasks, |task| task.iter().try_for_each(step)).into_iter().collect()
}

fn check(list: &[Averaged<'_>]) -> Result<()> {
    let mut averages = HashSet::new();
    for (index, Averaged { average, value }) in list.iter().enumerate() {
        if average.dims() != value.dims() {
            let arguments = [("average", average.dims()), ("value", value.dims())];
            return Err(shape_error(NAME, &arguments, "two equal shapes"));
        }
        if !averages.insert(host::place(NAME, average)?) {
            return Err(Error::Shared { op: NAME, role: "average", index }.into());
        }
    }
    for (index, Averaged { value, .. }) in list.iter().enumerate() {
        if averages.contains(&host::place(NAME, value)?) {
            return Err(Error::Shared { op: NAME, role: "value", index }.into());
        }
    }
    Ok(())
}

impl Averaged<'_> {
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
