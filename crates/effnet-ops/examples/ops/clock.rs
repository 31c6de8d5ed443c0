//! How long something takes.

use std::time::{Duration, Instant};

use candle_core::{Device, Result};

/// Something to be timed, and what it took.
pub(crate) struct Timed<'a> {
    run: Box<dyn FnMut() -> Result<()> + 'a>,
    device: &'a Device,
    took: Vec<f64>,
}

impl<'a> Timed<'a> {
    pub(crate) fn new(device: &'a Device, run: impl FnMut() -> Result<()> + 'a) -> Self {
        Self { run: Box::new(run), device, took: vec![] }
    }

    fn once(&mut self) -> Result<f64> {
        self.device.synchronize()?;
        let began = Instant::now();
        (self.run)()?;
        self.device.synchronize()?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    /// Median, in milliseconds.
    pub(crate) fn ms(&mut self) -> f64 {
        self.took.sort_by(f64::total_cmp);
        self.took[self.took.len() / 2]
    }
}

/// Runs all in turn, once untimed and then until the time is over, three times at least: a machine's speed changes within minutes by
/// more than what is to be told apart, so that what is compared has to run side by side.
pub(crate) fn measure(all: &mut [Timed<'_>], seconds: f64) -> Result<()> {
    const LEAST: usize = 3;
    for timed in all.iter_mut() {
        timed.once()?;
    }
    let (began, limit) = (Instant::now(), Duration::from_secs_f64(seconds));
    for turn in 0.. {
        if turn >= LEAST && began.elapsed() >= limit {
            break;
        }
        for timed in all.iter_mut() {
            let ms = timed.once()?;
            timed.took.push(ms);
        }
    }
    Ok(())
}
