//! One case, computed one way in one type, held against what it must give.

use std::panic::{AssertUnwindSafe, catch_unwind};

use candle_core::{DType, Result, Tensor};

use super::case::{Argument, Case};
use super::exact::{Exact, gradients};
use super::numbers::doubles;
use super::tolerance::{DIFFERENCES, unit};
use super::way::Way;

/// How it came out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// The largest error beside its tolerance.
    Held(Error),
    /// The type does not hold this way, and was refused.
    Refused,
    Failed(String),
}

/// Beside the largest exact value, or 1 if that is smaller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Error {
    pub(crate) error: f64,
    pub(crate) tolerance: f64,
}

/// A case computed one way in one type.
pub(crate) struct Checked {
    pub(crate) way: Way,
    pub(crate) dtype: DType,
    pub(crate) outcome: Outcome,
}

impl Checked {
    /// What is wrong, if anything is.
    pub(crate) fn failure(&self, case: &Case) -> Option<String> {
        let Self { way, dtype, outcome } = self;
        match outcome {
            Outcome::Failed(why) => {
                Some(format!("{} by {} in {}: {why}", case.name(), way.name(), dtype.as_str()))
            }
            Outcome::Held(_) | Outcome::Refused => None,
        }
    }
}

/// The case each way in each type that tells something.
pub(crate) fn check_all(case: &Case, ways: &[Way]) -> Vec<Checked> {
    let in_types = types(case).iter().flat_map(|dtype| ways.iter().map(|way| (way.clone(), *dtype)));
    check(case, in_types.collect())
}

/// f64 only where the slow twin gives all that is exact, and the types of 16 bits only where no sum is long, because candle adds up
/// on the CPU in the type itself.
fn types(case: &Case) -> &'static [DType] {
    const SHORT: usize = 1000;
    match case.arguments.iter().map(Argument::values).max() {
        Some(values) if values <= SHORT => &[DType::F32, DType::F64, DType::F16, DType::BF16],
        _ if case.is_small() => &[DType::F32, DType::F64],
        _ => &[DType::F32],
    }
}

/// The case by each way in its type.
pub(crate) fn check(case: &Case, ways: Vec<(Way, DType)>) -> Vec<Checked> {
    let mut all_exact: Vec<(DType, Result<Exact>)> = vec![];
    let mut all = vec![];
    for (way, dtype) in ways {
        // f64 gets the numbers of f32.
        let rounded = if dtype == DType::F64 { DType::F32 } else { dtype };
        if way.holds(case, dtype) && !all_exact.iter().any(|(of, _)| *of == rounded) {
            all_exact.push((rounded, Exact::new(case, rounded)));
        }
        let outcome = match all_exact.iter().find(|(of, _)| *of == rounded) {
            Some((_, Err(error))) => Outcome::Failed(format!("the reference: {}", in_short(error))),
            Some((_, Ok(exact))) => one(case, &way, dtype, Some(exact)),
            None => one(case, &way, dtype, None),
        };
        all.push(Checked { way, dtype, outcome });
    }
    all
}

/// Where the type holds this way: the results; all gradients; each gradient where the other arguments have none; and no graph
/// where no argument has one. Elsewhere: an error.
fn one(case: &Case, way: &Way, dtype: DType, exact: Option<&Exact>) -> Outcome {
    let compute = || match exact {
        Some(exact) if way.holds(case, dtype) => hold(case, way, dtype, exact),
        _ => refuse(case, way, dtype),
    };
    match catch_unwind(AssertUnwindSafe(|| way.compute(compute))) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Outcome::Failed(in_short(&error)),
        Err(_) => Outcome::Failed("a panic".to_owned()),
    }
}

/// Without a backtrace.
fn in_short(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn refuse(case: &Case, way: &Way, dtype: DType) -> Result<Outcome> {
    Ok(match case.compute(&case.tensors(dtype, way.device())?) {
        Ok(_) => Outcome::Failed("this type should be refused".to_owned()),
        Err(_) => Outcome::Refused,
    })
}

fn hold(case: &Case, way: &Way, dtype: DType, exact: &Exact) -> Result<Outcome> {
    let arguments = case.tensors(dtype, way.device())?;
    let mut errors = Errors { dtype, worst: Error { error: 0.0, tolerance: 1.0 } };
    let results = case.compute(&arguments)?;
    if results.len() != exact.results.len() {
        candle_core::bail!("{} results, not {}", results.len(), exact.results.len())
    }
    for (i, (got, exact)) in results.iter().zip(&exact.results).enumerate() {
        if got.track_op() {
            candle_core::bail!("a graph although nothing has a gradient")
        }
        let units = if i == 0 { case.roundings.values } else { case.roundings.others };
        let all: Vec<(usize, f64)> = exact.iter().copied().enumerate().collect();
        errors.add(&format!("result {i}"), got, exact.len(), &all, units, case.reference_error)?;
    }
    if case.has_gradients() {
        hold_gradients(case, &arguments, exact, &mut errors)?;
    }
    Ok(Outcome::Held(errors.worst))
}

fn hold_gradients(case: &Case, arguments: &[Tensor], exact: &Exact, errors: &mut Errors) -> Result<()> {
    let all: Vec<bool> = case.arguments.iter().map(|argument| argument.has_gradient).collect();
    let n = arguments.len();
    let alone = (0..n).filter(|a| all[*a] && exact.by_differences);
    let alone = alone.map(|a| (0..n).map(|b| a == b).collect());
    for tracked in std::iter::once(all.clone()).chain(alone) {
        let found = gradients(arguments, &tracked, |a| case.first(a), &exact.cotangent)?;
        for (a, gradient) in found.iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            if gradient.dims() != arguments[a].dims() {
                candle_core::bail!(
                    "gradient {a} of shape {:?}, not {:?}",
                    gradient.dims(),
                    arguments[a].dims()
                )
            }
            let floor = if exact.by_differences { DIFFERENCES } else { 0.0 };
            let (places, units) = (&exact.gradients[a], case.roundings.gradients);
            let what = format!("gradient {a} (tracked: {tracked:?})");
            errors.add(&what, gradient, arguments[a].elem_count(), places, units, floor)?;
        }
    }
    Ok(())
}

struct Errors {
    dtype: DType,
    worst: Error,
}

impl Errors {
    /// Compares some places of a tensor of n values.
    fn add(
        &mut self,
        what: &str,
        got: &Tensor,
        n: usize,
        exact: &[(usize, f64)],
        units: usize,
        floor: f64,
    ) -> Result<()> {
        let got = doubles(got);
        if got.len() != n {
            candle_core::bail!("{what}: {} values, not {n}", got.len())
        }
        let tolerance = (unit(self.dtype) * units as f64).max(floor);
        let scale = exact.iter().fold(1f64, |scale, (_, x)| scale.max(x.abs()));
        for (i, exact) in exact {
            let (got, error) = (got[*i], (got[*i] - exact).abs() / scale);
            // Not a number is no small error.
            if error.is_nan() || error > tolerance {
                candle_core::bail!(
                    "{what}: value {i} is {got}, not {exact}; off by {error:.2e} of {scale:.3}, where {tolerance:.2e} is allowed"
                )
            }
            if error / tolerance >= self.worst.error / self.worst.tolerance {
                self.worst = Error { error, tolerance };
            }
        }
        Ok(())
    }
}
