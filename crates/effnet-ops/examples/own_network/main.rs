//! Trains a network of one's own, built from the operations, to tell upright bars from lying ones.
//!
//! ```text
//! cargo run --release -p effnet-ops --example own_network
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod network;

use effnet_ops::candle::Result;
use network::{Network, Pass, bars};

fn main() -> Result<()> {
    let (images, labels) = bars(32)?;
    let network = Network::new(2)?;
    for step in 0..60 {
        let loss = network.step(&images, &labels, step)?;
        if step % 10 == 0 {
            println!("step {step}: loss {loss:.3}");
        }
    }
    let (images, labels) = bars(64)?;
    let found = network.forward(&images, Pass::Evaluate)?.argmax(1)?;
    let right = found.eq(&labels)?.to_dtype(candle_core::DType::F32)?.mean_all()?.to_scalar::<f32>()?;
    println!("right in evaluation: {:.0} %", 100.0 * right);
    Ok(())
}
