//! Samples that any head can tell apart: a Gaussian cloud a class, some labels wrong.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use dividemix::{
    Hyperparameters, Method, Network, Result, TestSet, Trainable, TrainingSet, View, ViewSource,
};
use effnet_model::{Classifier, ClassifierKind, ParameterStore};
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) const CLASSES: usize = 4;
const FEATURES: usize = 24;
/// Distance of a class's centre from the origin, in standard deviations of its cloud.
const DISTANCE: f32 = 2.6;

pub(crate) struct Clouds {
    train: Arc<Features>,
    labels: Vec<usize>,
    truth: Vec<usize>,
    test: Arc<Features>,
    test_labels: Vec<usize>,
}

impl Clouds {
    /// `n` training samples of which exactly int(noise n) have a wrong label, and 400 test samples.
    pub(crate) fn new(n: usize, noise: f64, seed: u64) -> Self {
        Self::of((0..n).map(|i| i % CLASSES).collect(), noise, seed)
    }

    /// The same, of these classes.
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

    pub(crate) fn training_set(&self) -> TrainingSet {
        TrainingSet {
            views: self.train.clone(),
            labels: self.labels.clone(),
            truth: self.truth.iter().copied().map(Some).collect(),
            classes: CLASSES,
            teacher: None,
        }
    }

    pub(crate) fn test_set(&self) -> TestSet {
        TestSet { views: self.test.clone(), labels: self.test_labels.clone() }
    }
}

/// A short training.
pub(crate) fn quick(method: Method) -> Hyperparameters {
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
pub(crate) fn bits(network: &dyn Network) -> Vec<u32> {
    let vars = [network.parameters(), network.buffers()].concat();
    let values = vars.into_iter().flat_map(|(_, v)| v.flatten_all().unwrap().to_vec1::<f32>().unwrap());
    values.map(f32::to_bits).collect()
}

/// Share of the labels that are wrong.
pub(crate) fn wrong_share(data: &TrainingSet) -> f64 {
    let wrong = data.truth.iter().zip(&data.labels).filter(|(t, y)| **t != Some(**y)).count();
    wrong as f64 / data.labels.len() as f64
}

/// Heads with first weights by `seed`.
pub(crate) fn networks(count: usize, seed: u64) -> Vec<Box<dyn Network>> {
    (0..count as u64)
        .map(|k| {
            let store = ParameterStore::new(seed * 10 + k, &Device::Cpu);
            let kind = ClassifierKind::Mlp { hidden: 32 };
            let network = Classifier::new(kind, FEATURES, CLASSES, 0.2, store.var_builder()).unwrap();
            Box::new(Trainable { network, store }) as Box<dyn Network>
        })
        .collect()
}

/// Feature vectors; a view adds a little noise.
struct Features(Vec<Vec<f32>>);

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
        Self(classes.iter().map(row).collect())
    }

    fn tensor(rows: Vec<f32>) -> Result<Tensor> {
        let count = rows.len() / FEATURES;
        Ok(Tensor::from_vec(rows, (count, FEATURES), &Device::Cpu)?)
    }
}

impl ViewSource for Features {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn plain(&self, samples: &[usize]) -> Result<Tensor> {
        Self::tensor(samples.iter().flat_map(|&i| self.0[i].clone()).collect())
    }

    fn augmented(&self, views: &[View]) -> Result<Tensor> {
        let rows = views.iter().flat_map(|view| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(view.seed);
            self.0[view.sample].clone().into_iter().map(move |v| {
                let noise: f32 = StandardNormal.sample(&mut rng);
                v + 0.1 * noise
            })
        });
        Self::tensor(rows.collect())
    }
}
