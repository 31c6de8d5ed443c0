//! Rows held against their references.

use std::time::Instant;

use candle_core::{DType, Device};
use serde::Serialize;

use crate::table::case::Case;
use crate::table::check::{Checked, Outcome, check_all};
use crate::table::way::{Way, name};

/// One row in one type by one way.
#[derive(Serialize)]
pub(crate) struct Row {
    name: String,
    way: String,
    device: String,
    dtype: &'static str,
    /// The largest error, beside the largest exact value; none where the type was refused, or the row failed.
    error: Option<f64>,
    tolerance: Option<f64>,
    ok: bool,
    /// The way does not hold for the type, and said so.
    refused: bool,
    failure: Option<String>,
    /// Of one forward pass, the second.
    ms: Option<f64>,
}

/// On the CPU: the kernels of every level and candle's form; elsewhere candle's form.
pub(crate) fn run(cases: &[Case], device: &Device) -> Vec<Row> {
    let fallback = Way::Candle(device.clone());
    let ways: Vec<Way> = match device.is_cpu() {
        true => Way::kernels().chain([fallback]).collect(),
        false => vec![fallback],
    };
    let mut rows = vec![];
    for case in cases {
        for checked in check_all(case, &ways) {
            let row = row(case, &checked);
            row.print();
            rows.push(row);
        }
    }
    rows
}

fn row(case: &Case, checked: &Checked) -> Row {
    let Checked { way, dtype, outcome } = checked;
    let failure = checked.failure(case);
    let worst = match outcome {
        Outcome::Held(worst) => Some(worst),
        Outcome::Refused | Outcome::Failed(_) => None,
    };
    Row {
        name: case.name(),
        way: way.name(),
        device: name(way.device()),
        dtype: dtype.as_str(),
        error: worst.map(|worst| worst.error),
        tolerance: worst.map(|worst| worst.tolerance),
        ok: failure.is_none(),
        refused: *outcome == Outcome::Refused,
        failure,
        ms: worst.and_then(|_| way.compute(|| forward_ms(case, way, *dtype)).ok()),
    }
}

fn forward_ms(case: &Case, way: &Way, dtype: DType) -> candle_core::Result<f64> {
    let call = case.prepare(&case.tensors(dtype, way.device())?)?;
    call()?;
    way.device().synchronize()?;
    let began = Instant::now();
    call()?;
    way.device().synchronize()?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

impl Row {
    fn print(&self) {
        let Self { name, way, dtype, .. } = self;
        match (&self.failure, self.error, self.tolerance) {
            (Some(why), ..) => println!("FAILED: {why}"),
            (None, Some(error), Some(tolerance)) => {
                println!("ok: {name} by {way} in {dtype}: error {error:.1e} of {tolerance:.1e}");
            }
            _ => println!("ok: {name} by {way} in {dtype}: refused"),
        }
    }
}

/// Prints how many rows ended how; whether all is well.
pub(crate) fn summary(rows: &[Row]) -> bool {
    let failed = rows.iter().filter(|row| !row.ok).count();
    let refused = rows.iter().filter(|row| row.refused).count();
    let held = rows.len() - failed - refused;
    println!("{held} held, {refused} refused as they should be, {failed} failed");
    failed == 0
}
