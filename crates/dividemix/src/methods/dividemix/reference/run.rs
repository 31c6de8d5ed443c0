//! The loop on two small networks and 24 vectors, and what is observed of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use noisy_labels::mixture::MixtureSettings;

use super::mlp::{Mlp, Recorded};
use super::{CLASSES, Case, FEATURES, Named, SAMPLES, draws, u};
use crate::{
    CheckedHyperparameters, Event, Hyperparameters, Losses, Network, Result, Schedule, Training, TrainingSet,
    View, ViewSource,
};

/// Samples whose given label is the class after the true one.
const WRONG: [usize; 7] = [0, 2, 5, 8, 13, 14, 20];

#[derive(Default)]
pub(super) struct Run {
    /// The passes by epoch and network, both counted from 0.
    pub(super) passes: BTreeMap<(usize, usize), Pass>,
    /// What the streams of this run draw: the lines that the independent program reads.
    pub(super) draws: Vec<String>,
}

/// What was observed of one network in one epoch.
#[derive(Default)]
pub(super) struct Pass {
    /// Means of the mixture that divided the samples for this network; `None` in warm-up.
    pub(super) mixture_means: Option<[f64; 2]>,
    pub(super) steps: Vec<Step>,
}

pub(super) struct Step {
    pub(super) losses: Losses,
    pub(super) recorded: Recorded,
    /// Weights and running statistics after the step.
    pub(super) after: Named<f32>,
}

/// Trains the two networks from their first weights.
pub(super) fn run(case: &Case, device: &Device) -> Run {
    let hyper = hyperparameters(case);
    let data = training_set(device);
    let mlps = [1, 2].map(|number| Mlp::new(number, device));
    let networks: Vec<Box<dyn Network>> =
        mlps.iter().map(|mlp| Box::new(mlp.clone()) as Box<dyn Network>).collect();
    let mut run = Run { draws: draws::of_warm_up(case.name, &hyper), ..Run::default() };
    let mut epoch = 0;
    let observe = &mut |event: Event| {
        match event {
            Event::Batch { network, losses, .. } => {
                let mlp = &mlps[network - 1];
                let step = Step { losses, recorded: mlp.take_recorded(), after: mlp.values() };
                run.passes.entry((epoch, network - 1)).or_default().steps.push(step);
            }
            Event::Evaluated { predictions, .. } if epoch + 1 < hyper.epochs => {
                run.draws.extend(draws::of_epoch(case.name, epoch + 1, &predictions.losses, &data, &hyper)?);
            }
            Event::EpochDone { records, .. } => {
                for record in records {
                    let pass = run.passes.entry((epoch, record.network - 1)).or_default();
                    pass.mixture_means = record.gmm_means;
                }
                epoch += 1;
            }
            _ => {}
        }
        Ok(())
    };
    Training::new(&networks, &data, &hyper).run(observe).unwrap();
    run
}

/// The settings of divide_mix_step.py.
fn hyperparameters(case: &Case) -> CheckedHyperparameters {
    let hyper = Hyperparameters {
        epochs: case.epochs,
        warmup: 1,
        batch: 4,
        lr: 0.1,
        schedule: Schedule::Constant,
        momentum: 0.9,
        weight_decay: 0.01,
        threshold: 0.5,
        augmentations: 2,
        temperature: 0.5,
        lambda_u: Some(case.lambda_u),
        lambda_u_ramp: 2.5,
        lambda_r: 1.0,
        warmup_penalty: 1.0,
        // Both programs fit the mixture to its optimum, so that their fits can be compared.
        mixture: MixtureSettings { max_iter: 10_000, tol: 1e-13, ..MixtureSettings::default() },
        ..Hyperparameters::default()
    };
    hyper.check().unwrap()
}

fn training_set(device: &Device) -> TrainingSet {
    let given = |sample: usize| (sample + usize::from(WRONG.contains(&sample))) % CLASSES;
    TrainingSet {
        views: Arc::new(Vectors { device: device.clone() }),
        labels: (0..SAMPLES).map(given).collect(),
        truth: vec![None; SAMPLES],
        sure: None,
        classes: CLASSES,
        teacher: None,
    }
}

/// Vectors around a corner for each class, by the formula of divide_mix_step.py.
struct Vectors {
    device: Device,
}

impl Vectors {
    fn sample(index: usize) -> Vec<f64> {
        let noise = u(&format!("sample-{index}"), FEATURES);
        let centre = |feature| if feature == index % CLASSES { 1.0 } else { 0.0 };
        noise.into_iter().enumerate().map(|(feature, noise)| centre(feature) + 0.8 * noise).collect()
    }

    fn view(View { sample, seed }: View) -> Vec<f64> {
        let noise = u(&format!("view-{sample}-{seed}"), FEATURES);
        Self::sample(sample).into_iter().zip(noise).map(|(value, noise)| value + 0.25 * noise).collect()
    }

    fn batch(&self, rows: impl Iterator<Item = Vec<f64>>) -> Result<Tensor> {
        let values: Vec<f32> = rows.flatten().map(|value| value as f32).collect();
        let count = values.len() / FEATURES;
        Ok(Tensor::from_vec(values, (count, FEATURES), &self.device)?)
    }
}

impl ViewSource for Vectors {
    fn len(&self) -> usize {
        SAMPLES
    }

    fn plain(&self, samples: &[usize]) -> Result<Tensor> {
        self.batch(samples.iter().map(|&sample| Self::sample(sample)))
    }

    fn augmented(&self, views: &[View]) -> Result<Tensor> {
        self.batch(views.iter().map(|&view| Self::view(view)))
    }
}
