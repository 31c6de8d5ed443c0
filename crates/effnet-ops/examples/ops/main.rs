//! Times every row of the table of operations (`tests/table`), or checks them. It needs nothing but itself: copy the program to the
//! machine with the GPU.
//!
//! ```text
//! cargo build --release -p effnet-ops --example ops
//! target/release/examples/ops                                  # kernels beside candle's form, on the CPU
//! target/release/examples/ops depthwise --seconds 1
//! target/release/examples/ops --check --device cuda:0 --json ops.json
//! ```
//!
//! candle adds gradients up in threads of its own, which spin between sums: `CANDLE_NUM_THREADS=1` leaves the cores to the kernels.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a terminal program: printing is its output")]

mod checks;
mod clock;
mod speed;
#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/table/mod.rs"]
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use candle_core::{DType, Device};
use clap::Parser;
use serde::Serialize;
use table::case::Case;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Time every operation of effnet-ops over the shapes of EfficientNet-B0, or check it.
///
/// On the CPU the kernels are timed beside candle's form of each operation; on a GPU candle's form is all there is.
#[derive(Parser)]
#[command(name = "ops")]
struct Options {
    /// Only rows whose name contains this text.
    filter: Option<String>,
    /// The device: cpu, or cuda:N for the GPU of this number.
    #[arg(long, default_value = "cpu", value_parser = device)]
    device: Device,
    /// Check results and gradients against the references, and time nothing. Ends with status 1 where a row fails.
    #[arg(long)]
    check: bool,
    /// Seconds for each row, all ways together.
    #[arg(long, value_name = "S", default_value_t = 0.5, conflicts_with = "check")]
    seconds: f64,
    /// The type to time: f32, f64, f16 or bf16. The kernels take f32.
    #[arg(long, default_value = "f32", conflicts_with = "check")]
    dtype: DType,
    /// List the rows and stop.
    #[arg(long)]
    list: bool,
    /// Write a JSON file of all rows.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn device(text: &str) -> std::result::Result<Device, String> {
    let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number of a GPU"));
    match text.split_once(':') {
        None if text == "cpu" => Ok(Device::Cpu),
        None if text == "cuda" => gpu(0),
        Some(("cuda", n)) => gpu(number(n)?),
        _ => Err("expected cpu or cuda:N".to_owned()),
    }
}

fn gpu(number: usize) -> std::result::Result<Device, String> {
    #[cfg(feature = "cuda")]
    cuda_delayed::check().map_err(|missing| missing.to_string())?;
    Device::new_cuda(number).map_err(|error| first_line(&error))
}

/// Without the backtrace that candle adds.
fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// False where a row fails its check.
fn run(options: &Options) -> Result<bool> {
    let mut cases: Vec<Case> = table::groups().into_iter().flat_map(|(_, cases)| cases).collect();
    cases.retain(|case| options.filter.as_ref().is_none_or(|filter| case.name().contains(filter.as_str())));
    if cases.is_empty() {
        return Err("no row has this text in its name; --list shows the names".into());
    }
    if options.list {
        cases.iter().for_each(|case| println!("{}", case.name()));
        return Ok(true);
    }
    if options.check {
        let rows = checks::run(&cases, &options.device);
        write(options, &rows)?;
        return Ok(checks::summary(&rows));
    }
    let rows = speed::run(&cases, &options.device, options.dtype, options.seconds)?;
    write(options, &rows)?;
    Ok(true)
}

fn write(options: &Options, rows: &impl Serialize) -> Result<()> {
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(rows)? + "\n")?;
    }
    Ok(())
}
