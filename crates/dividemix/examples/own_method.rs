//! A method of your own in the loop: the small-loss trick. A step is taken on those samples of a batch alone whose losses are
//! smallest, since networks learn right labels first (Han et al. 2018, "Co-teaching", with one network).
//!
//! `cargo run --release -p dividemix --example own_method`

use std::sync::Arc;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{Linear, Module, VarBuilder, VarMap, linear};
use dividemix::{
    Event, Hyperparameters, Losses, Method, Mode, Needs, Network, NetworkEpoch, Objective, Purpose, Stream,
    Strength, TestSet, Training, TrainingSet, View, ViewKind, ViewSource, supervised_epoch,
};
use noisy_labels::ClassTable;
use noisy_labels::division::Division;
use noisy_labels::losses::cross_entropy_per_sample;
use rand::Rng;

/// Cross entropy of the (1 - s) B samples of a batch with the smallest losses.
pub(crate) struct SmallLoss;

impl Method for SmallLoss {
    fn name(&self) -> &'static str {
        "small-loss"
    }

    /// The share of a batch that is left out: about the share of wrong labels.
    fn strength(&self) -> Option<Strength> {
        Some(Strength { usual: 0.3, most: 0.9 })
    }

    /// Losses tell labels apart once the network has learned something.
    fn needs(&self, _: f64) -> Needs {
        Needs { warm_up: true, ..Needs::default() }
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, _: Option<&Division>) -> dividemix::Result<Losses> {
        supervised_epoch(pass, &[ViewKind::Strong], |pass, batch, _| {
            let logits = pass.forward(&batch.views[0])?;
            let labels: Vec<usize> = batch.samples.iter().map(|&sample| pass.data().labels[sample]).collect();
            let table = ClassTable::new(logits.detach().flatten_all()?.to_vec1()?, pass.data().classes)?;
            let losses = cross_entropy_per_sample(&table, &labels)?;
            let kept = ((1.0 - pass.strength()) * losses.len() as f64).ceil() as usize;
            let mut by_loss: Vec<usize> = (0..losses.len()).collect();
            by_loss.sort_by(|&a, &b| losses[a].total_cmp(&losses[b]));
            // Cross entropy is a mean over the batch: samples that stay make up for those that don't.
            let mut weights = vec![0f32; losses.len()];
            by_loss[..kept].iter().for_each(|&place| weights[place] = losses.len() as f32 / kept as f32);
            let weights = batch.match_views(&Tensor::new(weights, &Device::Cpu)?)?.unsqueeze(1)?;
            let y = pass.labels(batch)?.broadcast_mul(&weights)?;
            Ok(Objective::new(pass.cross_entropy(&logits, &y)?))
        })
    }
}

const CLASSES: usize = 3;

/// Points in the plane: each class has its own third of a ring. A view moves a point a little.
struct Points(Vec<[f32; 2]>);

impl Points {
    fn draw(count: usize, seed: u64) -> Self {
        let point = |sample: usize| {
            let mut rng = Stream::new(seed, Purpose::Draw).at(sample as u64).rng();
            let turn = (sample % CLASSES) as f32 + rng.random_range(0.1..0.9);
            let (sin, cos) = (turn * std::f32::consts::TAU / CLASSES as f32).sin_cos();
            let radius = rng.random_range(0.5..1.5f32);
            [radius * cos, radius * sin]
        };
        Self((0..count).map(point).collect())
    }
}

impl ViewSource for Points {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn plain(&self, samples: &[usize]) -> dividemix::Result<Tensor> {
        let points: Vec<f32> = samples.iter().flat_map(|&sample| self.0[sample]).collect();
        Ok(Tensor::from_vec(points, (samples.len(), 2), &Device::Cpu)?)
    }

    fn augmented(&self, views: &[View]) -> dividemix::Result<Tensor> {
        let moved = |view: &View| {
            let mut rng = Stream::new(view.seed, Purpose::Augment).rng();
            self.0[view.sample].map(|at| at + rng.random_range(-0.05..0.05f32))
        };
        Ok(Tensor::from_vec(views.iter().flat_map(moved).collect(), (views.len(), 2), &Device::Cpu)?)
    }
}

/// Two linear layers.
struct Mlp {
    layers: [Linear; 2],
    variables: VarMap,
}

impl Mlp {
    fn new(hidden: usize, seed: u64) -> candle_core::Result<Self> {
        let variables = VarMap::new();
        let vb = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
        let layers = [linear(2, hidden, vb.pp("hidden"))?, linear(hidden, CLASSES, vb.pp("classifier"))?];
        let network = Self { layers, variables };
        // candle's own first values can't be repeated on the CPU.
        for (number, (_, var)) in network.parameters().into_iter().enumerate() {
            let mut rng = Stream::new(seed, Purpose::Initialise).at(number as u64).rng();
            let values: Vec<f32> = (0..var.elem_count()).map(|_| rng.random_range(-0.5..0.5)).collect();
            var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu)?)?;
        }
        Ok(network)
    }
}

impl Network for Mlp {
    fn forward_t(&self, batch: &Tensor, mode: Mode) -> candle_core::Result<Tensor> {
        let logits = self.layers[1].forward(&self.layers[0].forward(batch)?.relu()?)?;
        Ok(if matches!(mode, Mode::Train { .. }) { logits } else { logits.detach() })
    }

    fn parameters(&self) -> Vec<(String, Var)> {
        let variables = self.variables.data().lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut named: Vec<_> = variables.iter().map(|(name, var)| (name.clone(), var.clone())).collect();
        named.sort_by(|(a, _), (b, _)| a.cmp(b));
        named
    }

    fn buffers(&self) -> Vec<(String, Var)> {
        Vec::new()
    }
}

/// Trains a network of so many hidden units on points of which a third has a wrong label; `tell` is told of each epoch. Returns the
/// accuracy on other points in the end, and the share of the third of labels with the lowest quality that are wrong.
///
/// # Errors
/// When training diverges.
pub(crate) fn run(hidden: usize, mut tell: impl FnMut(&str)) -> dividemix::Result<(f64, f64)> {
    let count = 600;
    let wrong = |sample: &usize| (sample / CLASSES).is_multiple_of(3);
    let labels = (0..count).map(|sample| (sample + usize::from(wrong(&sample))) % CLASSES).collect();
    let data = TrainingSet {
        views: Arc::new(Points::draw(count, 1)),
        labels,
        truth: vec![None; count],
        sure: None,
        classes: CLASSES,
        teacher: None,
    };
    let test =
        TestSet { views: Arc::new(Points::draw(300, 2)), labels: (0..300).map(|i| i % CLASSES).collect() };
    // The method's own settings come with it; the others are the loop's.
    let settings =
        Hyperparameters { epochs: 30, warmup: 5, batch: 30, lr: 0.1, ..Hyperparameters::default() };
    let hyper = settings.check_for(Arc::new(SmallLoss))?;
    let networks: [Box<dyn Network>; 1] = [Box::new(Mlp::new(hidden, 1)?)];
    let outcome = Training::new(&networks, &data, &hyper).test(&test).run(|event| {
        if let Event::EpochDone { records, .. } = event
            && let Some(accuracy) = records[0].test_accuracy
        {
            tell(&format!("epoch {}: {:.1} %", records[0].epoch, 100.0 * accuracy));
        }
        Ok(())
    })?;
    let mut worst: Vec<usize> = (0..count).collect();
    worst.sort_by(|&a, &b| outcome.label_quality[a].total_cmp(&outcome.label_quality[b]));
    let total = (0..count).filter(wrong).count();
    let found = worst[..total].iter().copied().filter(|sample| wrong(sample)).count();
    Ok((outcome.last_accuracy().unwrap_or_default(), found as f64 / total as f64))
}

#[allow(clippy::print_stdout, dead_code, reason = "its result; a test calls `run`")]
fn main() -> dividemix::Result<()> {
    let (accuracy, found) = run(16, |line| println!("{line}"))?;
    println!(
        "{:.1} % right; of the labels it ranks worst, {:.1} % are wrong",
        100.0 * accuracy,
        100.0 * found
    );
    Ok(())
}
