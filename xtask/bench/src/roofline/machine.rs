//! What this machine makes in a second with all threads: FLOP of matrix products, bytes to and from memory.

use anyhow::{Context, Result};
use effmix_bench::median;
use effnet_model::Plan;
use effnet_model::candle::{Device, Tensor};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::time::Instant;

/// Rows of a product: with their columns they stay in a core's cache, as blocks of rows do in effnet-ops.
const ROWS: usize = 128;
/// FLOP of a thread between two looks at the clock: some milliseconds.
const FLOP: usize = 200_000_000;
/// Times that each product, and the pass over memory, is timed.
const TIMES: usize = 5;
/// Values of each of three arrays: far more than any cache has.
const VALUES: usize = 32 << 20;
/// Values that a thread takes at a time.
const PIECE: usize = 64 << 10;

/// FLOP a second of the `gemm` crate, which effnet-ops computes with too (here as candle's `matmul`, whose own threads xtask
/// turns off): every thread multiplies its own matrices, [128, k] by [k, n], in the widths of the network's pointwise
/// convolutions. Of the fastest of these shapes, by the median of some runs.
pub(super) fn flop_per_second(plan: &Plan) -> Result<f64> {
    let rates = widths(plan).into_iter().map(|(k, n)| {
        let flop = 2 * ROWS * k * n;
        let repeats = FLOP.div_ceil(flop);
        let seconds = (0..TIMES).map(|_| products(k, n, repeats)).collect::<Result<Vec<_>>>()?;
        Ok((rayon::current_num_threads() * repeats * flop) as f64 / median(seconds))
    });
    rates.collect::<Result<Vec<f64>>>()?.into_iter().reduce(f64::max).context("a network has products")
}

/// Channels in and out of pointwise convolutions.
fn widths(plan: &Plan) -> BTreeSet<(usize, usize)> {
    let blocks = plan.stages.iter().flatten();
    let of_block = blocks.flat_map(|block| {
        let narrows = [(block.hidden, block.output)];
        narrows.into_iter().chain(block.expands().then_some((block.input, block.hidden)))
    });
    let last = plan.stages.iter().flatten().last().map(|block| (block.output, plan.head));
    of_block.chain(last).collect()
}

/// Seconds of so many products in every thread; the slowest thread's.
fn products(k: usize, n: usize, repeats: usize) -> Result<f64> {
    let of_thread = rayon::broadcast(|_| -> Result<f64> {
        let a = Tensor::rand(-1f32, 1.0, (ROWS, k), &Device::Cpu)?;
        let b = Tensor::rand(-1f32, 1.0, (k, n), &Device::Cpu)?;
        a.matmul(&b)?;
        let began = Instant::now();
        for _ in 0..repeats {
            std::hint::black_box(a.matmul(&b)?);
        }
        Ok(began.elapsed().as_secs_f64())
    });
    Ok(of_thread.into_iter().collect::<Result<Vec<_>>>()?.into_iter().fold(0.0, f64::max))
}

/// Bytes a second of a = b + s c over arrays that fit in no cache ("triad" of McCalpin's STREAM): two reads and a write each; that a
/// processor may read what it is about to write over is not counted, here nor in a layer's bytes.
pub(super) fn bytes_per_second() -> f64 {
    let [mut a, b, c] = [0f32, 1.0, 2.0].map(|value| vec![value; VALUES]);
    let mut pass = |scale: f32| {
        let began = Instant::now();
        let pieces = a.par_chunks_mut(PIECE).zip(b.par_chunks(PIECE)).zip(c.par_chunks(PIECE));
        pieces.for_each(|((a, b), c)| {
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                *a = b + scale * c;
            }
        });
        began.elapsed().as_secs_f64()
    };
    pass(1.0);
    let seconds = median((0..TIMES).map(|time| pass(time as f32)).collect());
    std::hint::black_box(a);
    (3 * VALUES * size_of::<f32>()) as f64 / seconds
}

#[cfg(test)]
mod tests {
    use super::*;
    use effnet_model::Arch;

    #[test]
    fn the_widths_are_those_of_the_table() {
        let widths = widths(&Arch::by_name("b0").unwrap().plan().unwrap());
        assert!([(32, 16), (16, 96), (96, 24), (1152, 320), (320, 1280)].iter().all(|w| widths.contains(w)));
        assert!(!widths.contains(&(32, 32)), "the first block has no expansion");
    }
}
