//! A candle model of your own in the loop: a PreAct-ResNet-18 from candle_nn alone, trained by DivideMix on pictures of which a
//! third has a wrong label.
//!
//! `cargo run --release -p dividemix --example resnet -- [WIDTH [EPOCHS]]` (the published width is 64; 8 takes a minute)

#[path = "preact_resnet/mod.rs"]
mod preact_resnet;

use std::sync::Arc;

use dividemix::candle::{Device, Tensor};
use dividemix::{Event, Hyperparameters, Network, TestSet, Training, TrainingSet, View, ViewSource};

use preact_resnet::{PreActResNet18, noise};

/// Pictures of 16 pixels: a square in one of four corners, in front of noise half as strong. A view is the picture with other noise.
struct Squares {
    corners: Vec<usize>,
    seed: u64,
}

const SIDE: usize = 16;
const CLASSES: usize = 4;

impl Squares {
    fn pictures(&self, samples: impl ExactSizeIterator<Item = (usize, u64)>) -> dividemix::Result<Tensor> {
        let count = samples.len();
        let mut pixels = Vec::with_capacity(count * SIDE * SIDE * 3);
        for (sample, seed) in samples {
            let (down, right) = (self.corners[sample] / 2 * SIDE / 2, self.corners[sample] % 2 * SIDE / 2);
            for place in 0..SIDE * SIDE * 3 {
                let (y, x) = (place / 3 / SIDE, place / 3 % SIDE);
                let inside = (down + 2..down + 6).contains(&y) && (right + 2..right + 6).contains(&x);
                pixels.push(0.5 * noise(seed ^ self.seed, place as u64) + if inside { 1.0 } else { 0.0 });
            }
        }
        Ok(Tensor::from_vec(pixels, (count, SIDE, SIDE, 3), &Device::Cpu)?)
    }
}

impl ViewSource for Squares {
    fn len(&self) -> usize {
        self.corners.len()
    }

    fn plain(&self, samples: &[usize]) -> dividemix::Result<Tensor> {
        self.pictures(samples.iter().map(|&sample| (sample, sample as u64)))
    }

    fn augmented(&self, views: &[View]) -> dividemix::Result<Tensor> {
        self.pictures(views.iter().map(|view| (view.sample, view.seed)))
    }
}

/// Trains two networks on `images` pictures; `tell` is told of each epoch. Returns the accuracy on other pictures in the end, and the
/// share of the third of labels with the lowest quality that are wrong.
///
/// # Errors
/// When training diverges.
pub(crate) fn run(
    (width, epochs, images): (usize, usize, usize),
    mut tell: impl FnMut(&str),
) -> dividemix::Result<(f64, f64)> {
    let of = |count, seed| Squares { corners: (0..count).map(|i| i % CLASSES).collect(), seed };
    let labels: Vec<usize> =
        (0..images).map(|i| (i + if i % 3 == 0 { 1 + i / 3 % 3 } else { 0 }) % CLASSES).collect();
    let data = TrainingSet {
        views: Arc::new(of(images, 1)),
        labels,
        truth: vec![None; images],
        sure: None,
        classes: CLASSES,
        teacher: None,
    };
    let test = TestSet { views: Arc::new(of(100, 2)), labels: (0..100).map(|i| i % CLASSES).collect() };
    let networks: [Box<dyn Network>; 2] = [
        Box::new(PreActResNet18::new(width, CLASSES, 1)?),
        Box::new(PreActResNet18::new(width, CLASSES, 2)?),
    ];
    let hyper = Hyperparameters {
        epochs,
        warmup: epochs / 2,
        batch: 16,
        warmup_penalty: 0.0,
        ..Hyperparameters::default()
    };
    let hyper = hyper.check()?;
    let mut observe = |event: Event| {
        if let Event::EpochDone { records, seconds, .. } = event
            && let Some(accuracy) = records[0].test_accuracy
        {
            tell(&format!("epoch {}: {:.1} % after {seconds:.1} s", records[0].epoch, 100.0 * accuracy));
        }
        Ok(())
    };
    let found = Training::new(&networks, &data, &hyper).test(&test).run(&mut observe)?;
    let mut worst: Vec<usize> = (0..images).collect();
    worst.sort_by(|&a, &b| found.label_quality[a].total_cmp(&found.label_quality[b]));
    let wrong = images.div_ceil(3);
    let right = worst[..wrong].iter().filter(|&&sample| sample % 3 == 0).count();
    Ok((found.last_accuracy().unwrap_or_default(), right as f64 / wrong as f64))
}

#[allow(clippy::print_stdout, dead_code, reason = "its result; a test calls `run`")]
fn main() -> dividemix::Result<()> {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let (width, epochs) = (arguments.next().unwrap_or(8), arguments.next().unwrap_or(6));
    let (accuracy, found) = run((width, epochs, 600), |line| println!("{line}"))?;
    println!(
        "{:.1} % right; of the labels it ranks worst, {:.1} % are wrong",
        100.0 * accuracy,
        100.0 * found
    );
    Ok(())
}
