//! How long the search for neighbours takes: `cargo run --release --example neighbours -- SAMPLES FEATURES`.

#![allow(clippy::print_stdout, reason = "its result")]

use std::time::Instant;

use noisy_labels::Features;
use noisy_labels::quality::signals::{NEIGHBOURS, Neighbours};
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<usize>());
    let (samples, width) = (numbers.next().unwrap_or(Ok(5_000))?, numbers.next().unwrap_or(Ok(1280))?);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let values: Vec<f32> = (0..samples * width).map(|_| rng.sample(StandardNormal)).collect();
    let start = Instant::now();
    let found = Neighbours::within(&Features::from_slice(&values, width)?, NEIGHBOURS)?;
    let seconds = start.elapsed().as_secs_f64();
    let operations = samples as f64 * samples as f64 * width as f64;
    println!(
        "{samples} samples, {width} features: {seconds:.2} s, {:.1} GFLOP/s; the best similarity of the first is {:.3}",
        1e-9 * operations / seconds,
        found.of(0).first().map_or(0.0, |neighbour| neighbour.similarity)
    );
    Ok(())
}
