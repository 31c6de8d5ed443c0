//! Samples that any classifier can tell apart: a Gaussian blob for each class, some labels wrong. And a small network for them.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{BatchNorm, Linear, Module, ModuleT, VarBuilder, VarMap, batch_norm, linear};
use dividemix::{
    CheckedHyperparameters, Hyperparameters, MethodKind, Mode, Network, Purpose, Result, Stream, TestSet,
    TrainingSet, View, ViewSource,
};
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) const CLASSES: usize = 4;
pub(crate) const FEATURES: usize = 24;
/// Distance of a class's centre from the origin, in standard deviations of its blob.
const DISTANCE: f32 = 2.6;

pub(crate) struct GaussianBlobs {
    train: Arc<Features>,
    labels: Vec<usize>,
    truth: Vec<usize>,
    test: Arc<Features>,
    test_labels: Vec<usize>,
}

impl GaussianBlobs {
    /// `n` training samples of which exactly int(noise n) have a wrong label, and 400 test samples.
    pub(crate) fn new(n: usize, noise: f64, seed: u64) -> Self {
        Self::of((0..n).map(|i| i % CLASSES).collect(), noise, seed)
    }

    /// Training samples of these classes, else as [`Self::new`].
    pub(crate) fn of(truth: Vec<usize>, noise: f64, seed: u64) -> Self {
        let n = truth.len();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut labels = truth.clone();
        let wrong = (noise * n as f64).round() as usize;
        for i in rand::seq::index::sample(&mut rng, n, wrong) {
            labels[i] = (labels[i] + rng.random_range(1..CLASSES)) % CLASSES;
        }
        let test_labels: Vec<usize> = (0..400).map(|i| i % CLASSES).collect();
        let train = Arc::new(Features::draw(&truth, &mut rng));
        let test = Arc::new(Features::draw(&test_labels, &mut rng));
        Self { train, labels, truth, test, test_labels }
    }

    /// The same samples as tensors of another type.
    pub(crate) fn to_dtype(&self, dtype: DType) -> Self {
        let features = |of: &Arc<Features>| Arc::new(Features { rows: of.rows.clone(), dtype });
        let (labels, truth, test_labels) =
            (self.labels.clone(), self.truth.clone(), self.test_labels.clone());
        Self { train: features(&self.train), labels, truth, test: features(&self.test), test_labels }
    }

    pub(crate) fn training_set(&self) -> TrainingSet {
        TrainingSet {
            views: self.train.clone(),
            labels: self.labels.clone(),
            truth: self.truth.iter().copied().map(Some).collect(),
            sure: None,
            classes: CLASSES,
            teacher: None,
        }
    }

    /// The training set with a teacher that knows the truth of each sample, though not very confidently.
    pub(crate) fn with_teacher(&self) -> TrainingSet {
        let logits =
            |truth: &usize| (0..CLASSES).map(|c| if c == *truth { 3.0 } else { 0.0 }).collect::<Vec<f32>>();
        TrainingSet { teacher: Some(self.truth.iter().flat_map(logits).collect()), ..self.training_set() }
    }

    pub(crate) fn test_set(&self) -> TestSet {
        TestSet { views: self.test.clone(), labels: self.test_labels.clone() }
    }
}

/// The settings of a short training.
pub(crate) fn quick(method: MethodKind) -> Hyperparameters {
    Hyperparameters {
        method,
        epochs: 6,
        warmup: 2,
        batch: 32,
        lr: 0.05,
        seed: 3,
        ..Hyperparameters::default()
    }
}

/// Every parameter and running statistic of a network, as bits.
pub(crate) fn bits(network: &dyn Network) -> Vec<u64> {
    values(network).into_iter().map(f64::to_bits).collect()
}

/// Every parameter and running statistic of all networks, as bits.
pub(crate) fn all_bits(networks: &[Box<dyn Network>]) -> Vec<u64> {
    networks.iter().flat_map(|network| bits(network.as_ref())).collect()
}

/// Every parameter and running statistic of a network.
pub(crate) fn values(network: &dyn Network) -> Vec<f64> {
    let vars = [network.parameters(), network.buffers()].concat();
    let values = |(_, v): (String, Var)| {
        v.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1::<f64>().unwrap()
    };
    vars.into_iter().flat_map(values).collect()
}

/// Share of the labels that are wrong.
pub(crate) fn wrong_share(data: &TrainingSet) -> f64 {
    let wrong = data.truth.iter().zip(&data.labels).filter(|(t, y)| **t != Some(**y)).count();
    wrong as f64 / data.labels.len() as f64
}

/// As many networks as the method keeps, with first weights by the settings' seed.
pub(crate) fn networks_for(hyper: &CheckedHyperparameters) -> Vec<Box<dyn Network>> {
    networks(hyper.networks(), hyper.seed)
}

/// Networks with first weights by `seed`.
pub(crate) fn networks(count: usize, seed: u64) -> Vec<Box<dyn Network>> {
    networks_of(DType::F32, count, seed)
}

/// Networks that compute in a type, with first weights by `seed`.
pub(crate) fn networks_of(dtype: DType, count: usize, seed: u64) -> Vec<Box<dyn Network>> {
    let network = |k| Box::new(Mlp::new(dtype, seed * 10 + k).unwrap()) as Box<dyn Network>;
    (0..count as u64).map(network).collect()
}

/// Linear, batch norm, swish, dropout, linear: candle's layers, but for the dropout, which is seeded.
struct Mlp {
    hidden: Linear,
    norm: BatchNorm,
    classifier: Linear,
    variables: VarMap,
}

const HIDDEN: usize = 32;
const DROPOUT: f64 = 0.2;

impl Mlp {
    fn new(dtype: DType, seed: u64) -> candle_core::Result<Self> {
        let variables = VarMap::new();
        let vb = VarBuilder::from_varmap(&variables, dtype, &Device::Cpu);
        let network = Self {
            hidden: linear(FEATURES, HIDDEN, vb.pp("hidden"))?,
            norm: batch_norm(HIDDEN, 1e-5, vb.pp("norm"))?,
            classifier: linear(HIDDEN, CLASSES, vb.pp("classifier"))?,
            variables,
        };
        // candle's own first values can't be repeated.
        for (number, (name, var)) in network.parameters().into_iter().enumerate() {
            if name.starts_with("norm") {
                continue;
            }
            let bound = 1.0 / (if name.starts_with("hidden") { FEATURES } else { HIDDEN } as f64).sqrt();
            let mut rng = Stream::new(seed, Purpose::Initialise).at(number as u64).rng();
            let values: Vec<f64> = (0..var.elem_count()).map(|_| rng.random_range(-bound..bound)).collect();
            var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu)?.to_dtype(dtype)?)?;
        }
        Ok(network)
    }

    fn named(&self, wanted: impl Fn(&str) -> bool) -> Vec<(String, Var)> {
        let all = self.variables.data().lock().unwrap();
        let mut found: Vec<_> = all
            .iter()
            .filter(|(name, _)| wanted(name))
            .map(|(name, var)| (name.clone(), var.clone()))
            .collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found
    }

    fn forward(&self, x: &Tensor, dropped_by: Option<u64>) -> candle_core::Result<Tensor> {
        let x = self.norm.forward_t(&self.hidden.forward(x)?, dropped_by.is_some())?.silu()?;
        let Some(seed) = dropped_by else { return self.classifier.forward(&x) };
        let mut rng = Stream::new(seed, Purpose::Forward).rng();
        let mask: Vec<f64> = (0..x.elem_count())
            .map(|_| if rng.random_bool(DROPOUT) { 0.0 } else { 1.0 / (1.0 - DROPOUT) })
            .collect();
        let mask = Tensor::from_vec(mask, x.shape(), &Device::Cpu)?.to_dtype(x.dtype())?;
        self.classifier.forward(&(x * mask)?)
    }
}

impl Network for Mlp {
    fn forward_t(&self, batch: &Tensor, mode: Mode) -> candle_core::Result<Tensor> {
        match mode {
            Mode::Train { seed } => self.forward(batch, Some(seed)),
            Mode::TrainNoGrad { seed } => Ok(self.forward(batch, Some(seed))?.detach()),
            Mode::Eval => Ok(self.forward(batch, None)?.detach()),
        }
    }

    fn parameters(&self) -> Vec<(String, Var)> {
        self.named(|name| !name.contains("running_"))
    }

    fn buffers(&self) -> Vec<(String, Var)> {
        self.named(|name| name.contains("running_"))
    }

    fn classifier_parameters(&self) -> Vec<String> {
        self.named(|name| name.starts_with("classifier.")).into_iter().map(|(name, _)| name).collect()
    }
}

/// Feature vectors; a view adds a little noise.
pub(crate) struct Features {
    rows: Vec<Vec<f32>>,
    dtype: DType,
}

impl Features {
    fn draw(classes: &[usize], rng: &mut Xoshiro256PlusPlus) -> Self {
        let row = |&class: &usize| {
            (0..FEATURES)
                .map(|f| {
                    let centre = if f % CLASSES == class {
                        DISTANCE / (FEATURES as f32 / CLASSES as f32).sqrt()
                    } else {
                        0.0
                    };
                    let noise: f32 = StandardNormal.sample(rng);
                    centre + noise
                })
                .collect()
        };
        Self { rows: classes.iter().map(row).collect(), dtype: DType::F32 }
    }

    fn tensor(&self, values: Vec<f32>) -> Result<Tensor> {
        let count = values.len() / FEATURES;
        Ok(Tensor::from_vec(values, (count, FEATURES), &Device::Cpu)?.to_dtype(self.dtype)?)
    }
}

impl ViewSource for Features {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn plain(&self, samples: &[usize]) -> Result<Tensor> {
        self.tensor(samples.iter().flat_map(|&i| self.rows[i].clone()).collect())
    }

    fn augmented(&self, views: &[View]) -> Result<Tensor> {
        let rows = views.iter().flat_map(|view| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(view.seed);
            self.rows[view.sample].clone().into_iter().map(move |v| {
                let noise: f32 = StandardNormal.sample(&mut rng);
                v + 0.1 * noise
            })
        });
        self.tensor(rows.collect())
    }
}
