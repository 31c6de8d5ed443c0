//! Rows held against their references.

use std::time::Instant;

use candle_core::Device;
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
            let row = row(case, checked);
            row.print();
            rows.push(row);
        }
    }
    rows
}

fn row(case: &Case, Checked { way, dtype, outcome }: Checked) -> Row {
    let mut row = Row {
        name: case.name(),
        way: way.name(),
        device: name(way.device()),
        dtype: dtype.as_str(),
        error: None,
        tolerance: None,
        ok: true,
        refused: false,
        failure: None,
        ms: None,
    };
    match outcome {
        Outcome::Held(worst) => {
            (row.error, row.tolerance) = (Some(worst.error), Some(worst.tolerance));
            row.ms = way.compute(|| forward_ms(case, &way, dtype)).ok();
        }
        Outcome::Refused => row.refused = true,
        Outcome::Failed(why) => (row.ok, row.failure) = (false, Some(why)),
    }
    row
}

fn forward_ms(case: &Case, way: &Way, dtype: candle_core::DType) -> candle_core::Result<f64> {
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
        let found = match (&self.failure, self.error, self.tolerance) {
            (Some(why), ..) => format!("FAILED: {why}"),
            (None, Some(error), Some(tolerance)) => format!("ok, error {error:.1e} of {tolerance:.1e}"),
            _ => "ok, refused".to_owned(),
        };
        println!("{way}, {dtype}: {name}: {found}");
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
