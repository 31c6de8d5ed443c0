//! How many images a second an architecture makes on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use dividemix::memory::{forget_peak_on, peak_on};
use dividemix::{
    CheckedHyperparameters, Costs, Mode, Network, Optimiser, Purpose, Sgd, Stream, TYPICAL_CLEAN_SHARE,
    Trainable, View, ViewSource, Work, backward,
};
use effnet_model::{Arch, EfficientNet, ParameterStore};
use noisy_labels::losses::cross_entropy;
use noisy_labels::soft::one_hot;
use rand::Rng;

use crate::device::{Attempt, ComputeDevice};
use crate::{Error, Result};

/// What is done with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// A training step: forward, cross entropy, backward, SGD with momentum and weight decay.
    Train,
    /// Logits in evaluation mode.
    Predict,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Throughput {
    /// By the median batch.
    pub images_per_s: f64,
    /// Median seconds of a batch.
    pub seconds_per_batch: f64,
    /// Batches that were timed.
    pub batches: usize,
    /// The most memory that tensors had on a GPU, in bytes, where one computed and its driver reports it.
    pub device_peak_bytes: Option<u64>,
}

/// About how many seconds a training of an architecture from scratch takes here, on `images` images of `classes` classes,
/// decoded already, of which a tenth is held out for testing. Measures for two seconds or so.
///
/// # Errors
/// An architecture or a setting out of range; [`Error::Stopped`] when `stop` was raised.
pub fn training_seconds(
    arch: &Arch,
    classes: usize,
    images: usize,
    hyper: &CheckedHyperparameters,
    device: &ComputeDevice,
    stop: &AtomicBool,
) -> Result<f64> {
    let device = device.candle();
    let network = |number: usize| -> Result<Box<dyn Network>> {
        let store = ParameterStore::new(number as u64, device);
        let network = EfficientNet::new(arch, classes, store.var_builder())?;
        Ok(Box::new(Trainable { network, store }))
    };
    let networks = (0..hyper.networks()).map(network).collect::<Result<Vec<_>>>()?;
    let test = images / 10;
    let work = Work::training(hyper, 0, images - test, test, TYPICAL_CLEAN_SHARE);
    let views: Arc<dyn ViewSource> = Arc::new(Noise { arch: arch.clone(), device: device.clone() });
    Ok(Costs::measure(&networks, &views, classes, hyper, (images - test, &work), stop)?.seconds(&work))
}

/// Images of nothing.
struct Noise {
    arch: Arch,
    device: Device,
}

impl ViewSource for Noise {
    fn len(&self) -> usize {
        1
    }

    fn plain(&self, samples: &[usize]) -> dividemix::Result<Tensor> {
        Ok(random_images(samples.len(), &self.arch, &self.device)?)
    }

    fn augmented(&self, views: &[View]) -> dividemix::Result<Tensor> {
        Ok(random_images(views.len(), &self.arch, &self.device)?)
    }
}

fn random_images(count: usize, arch: &Arch, device: &Device) -> candle_core::Result<Tensor> {
    let (size, channels) = (arch.size, arch.channels);
    let mut random = Stream::new(0, Purpose::Augment).rng();
    let pixels: Vec<f32> = (0..count * size * size * channels).map(|_| random.random()).collect();
    Tensor::from_vec(pixels, (count, size, size, channels), device)
}

/// Batches before the clock starts: memory is got, caches and branch predictors fill.
const UNTIMED: usize = 2;

/// Times batches of `batch` random images of `arch.size` pixels, for about the length of `time`, and three batches at least.
///
/// # Errors
/// An architecture out of range; [`Error::Stopped`] when `stop` was raised; [`Error::Device`] where the device fails or its memory is
/// too small for such a batch.
pub fn throughput(
    arch: &Arch,
    classes: usize,
    batch: usize,
    task: Task,
    time: Duration,
    device: &ComputeDevice,
    stop: &AtomicBool,
) -> Result<Throughput> {
    let measure = || -> Result<Throughput> {
        let is_gpu = !device.candle().is_cpu();
        if is_gpu {
            forget_peak_on(device.candle());
        }
        let store = ParameterStore::new(0, device.candle());
        let network = EfficientNet::new(arch, classes, store.var_builder())?;
        let network = Trainable { network, store };
        let optimiser = Optimiser::new(&network)?;
        let sgd = Sgd { lr: 1e-3, momentum: 0.9, weight_decay: 5e-4 };

        let images = random_images(batch, arch, device.candle())?;
        let labels: Vec<usize> = (0..batch).map(|i| i % classes).collect();
        let targets = one_hot(&labels, classes, device.candle())?;

        let evaluator = network.evaluator()?;
        let step = |seed: usize| -> Result<()> {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            match task {
                Task::Predict => drop(evaluator(&images)?),
                Task::Train => {
                    let logits = network.forward_t(&images, Mode::Train { seed: seed as u64 })?;
                    optimiser.step(&backward(&cross_entropy(&logits, &targets)?)?, &sgd)?;
                }
            }
            device.finish()
        };
        (0..UNTIMED).try_for_each(step)?;
        let mut seconds = Vec::new();
        let began = Instant::now();
        while seconds.len() < 3 || began.elapsed() < time {
            let batch_began = Instant::now();
            step(UNTIMED + seconds.len())?;
            seconds.push(batch_began.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        let median = seconds[seconds.len() / 2];
        Ok(Throughput {
            images_per_s: batch as f64 / median,
            seconds_per_batch: median,
            batches: seconds.len(),
            device_peak_bytes: is_gpu.then(|| peak_on(device.candle())).flatten(),
        })
    };
    let attempt = Attempt { batch: Some(batch), ..Attempt::default() };
    measure().map_err(|error| device.explained(error, &attempt))
}
