//! Rows timed.

use candle_core::{DType, Device, Result, Tensor, Var};
use effnet_ops::{backward, dispatch};
use serde::Serialize;

use crate::clock::{Timed, measure};
use crate::first_line;
use crate::table::case::Case;
use crate::table::numbers::numbers;
use crate::table::way::{Way, name};

/// One row, by each way that is there.
#[derive(Serialize)]
pub(crate) struct Row {
    name: String,
    device: String,
    dtype: &'static str,
    ways: Vec<Speed>,
    /// How many times as long candle's form takes as the kernels: forward, and forward with backward.
    ratio: Option<f64>,
    ratio_both: Option<f64>,
}

#[derive(Serialize)]
struct Speed {
    way: String,
    forward_ms: f64,
    /// Forward and backward; none of operations without gradients.
    both_ms: Option<f64>,
    /// Of the forward pass: of products, two FLOP for each multiply-accumulate.
    gflop_per_s: Option<f64>,
    /// Of the forward pass where there is no product: each argument read and each result written once.
    gb_per_s: Option<f64>,
}

/// Prints each row when it is done.
pub(crate) fn run(cases: &[Case], device: &Device, dtype: DType, seconds: f64) -> Result<Vec<Row>> {
    let fallback = Way::Candle(device.clone());
    let ways: Vec<Way> = match device.is_cpu() {
        true => vec![Way::Kernels(dispatch::level()), fallback],
        false => vec![fallback],
    };
    println!("{HEADER}");
    let mut rows = vec![];
    for case in cases {
        // Where candle's form is the kernels' own, there is nothing to compare.
        let own = ways.iter().filter(|way| way.holds(case, dtype) && !is_kernels_again(way, case));
        let own: Vec<&Way> = own.collect();
        match speeds(case, &own, dtype, seconds) {
            Ok(found) if found.is_empty() => {}
            Ok(found) => {
                let row = Row::new(case, device, dtype, found);
                row.print();
                rows.push(row);
            }
            Err(error) => println!("{}: {}", case.name(), first_line(&error)),
        }
    }
    Ok(rows)
}

const HEADER: &str = "milliseconds forward, milliseconds forward and backward, rate of the forward pass";

fn is_kernels_again(way: &Way, case: &Case) -> bool {
    matches!(way, Way::Candle(Device::Cpu)) && case.fallback == crate::table::case::Fallback::Nowhere
}

/// All ways in turn.
fn speeds(case: &Case, ways: &[&Way], dtype: DType, seconds: f64) -> Result<Vec<Speed>> {
    let mut all = vec![];
    let mut values = 0;
    for way in ways {
        let arguments = case.tensors(dtype, way.device())?;
        let call = way.compute(|| case.prepare(&arguments))?;
        let results = way.compute(&call)?;
        values = arguments.iter().chain(&results).map(Tensor::elem_count).sum();
        all.push(Timed::new(way.device(), move || way.compute(&call).map(drop)));
        if case.has_gradients() {
            all.push(both(case, way, &arguments, &results[0])?);
        }
    }
    measure(&mut all, seconds)?;
    let rate = |amount: usize, ms: f64| amount as f64 / ms / 1e6;
    let is_product = case.macs > 0;
    let passes = if case.has_gradients() { 2 } else { 1 };
    let speed = |(way, timed): (&&Way, &mut [Timed<'_>])| {
        let forward_ms = timed[0].ms();
        Speed {
            way: way.name(),
            forward_ms,
            both_ms: timed.get_mut(1).map(Timed::ms),
            gflop_per_s: is_product.then(|| rate(2 * case.macs, forward_ms)),
            gb_per_s: (!is_product).then(|| rate(values * dtype.size_in_bytes(), forward_ms)),
        }
    };
    Ok(ways.iter().zip(all.chunks_exact_mut(passes)).map(speed).collect())
}

/// Forward and backward of a weighted sum of the first result.
fn both<'a>(case: &'a Case, way: &'a Way, arguments: &[Tensor], y: &Tensor) -> Result<Timed<'a>> {
    let variables = arguments.iter().map(Var::from_tensor).collect::<Result<Vec<_>>>()?;
    let inputs = variables.iter().zip(&case.arguments).map(|(x, argument)| match argument.has_gradient {
        true => x.as_tensor().clone(),
        false => x.as_detached_tensor(),
    });
    let inputs: Vec<Tensor> = inputs.collect();
    let weights = Tensor::from_vec(numbers(y.elem_count(), 99), y.shape(), &Device::Cpu)?;
    let weights = weights.to_dtype(y.dtype())?.to_device(y.device())?;
    Ok(Timed::new(way.device(), move || {
        way.compute(|| backward(&case.first(&inputs)?.mul(&weights)?.sum_all()?)).map(drop)
    }))
}

impl Row {
    fn new(case: &Case, device: &Device, dtype: DType, ways: Vec<Speed>) -> Self {
        let (mut ratio, mut ratio_both) = (None, None);
        if let [kernels, candle] = ways.as_slice() {
            ratio = Some(candle.forward_ms / kernels.forward_ms);
            ratio_both = candle.both_ms.zip(kernels.both_ms).map(|(candle, kernels)| candle / kernels);
        }
        Self { name: case.name(), device: name(device), dtype: dtype.as_str(), ways, ratio, ratio_both }
    }

    fn print(&self) {
        println!("{}", self.name);
        for Speed { way, forward_ms, both_ms, gflop_per_s, gb_per_s } in &self.ways {
            let both = both_ms.map_or_else(|| " ".repeat(10), |ms| format!("{ms:10.3}"));
            let rate = match (gflop_per_s, gb_per_s) {
                (Some(rate), _) => format!("{rate:8.2} GFLOP/s"),
                (_, Some(rate)) => format!("{rate:8.2} GB/s"),
                _ => String::new(),
            };
            println!("    {way:20}{forward_ms:10.3}{both} {rate}");
        }
        if let Some(ratio) = self.ratio {
            let both = self.ratio_both.map_or_else(String::new, |ratio| format!("{ratio:9.1}x"));
            println!("    {:20}{ratio:9.1}x{both}", "candle : kernels");
        }
    }
}
