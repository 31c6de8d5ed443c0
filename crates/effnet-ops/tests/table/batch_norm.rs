//! Batch norm with its activation, and the running statistics.

use candle_core::{Tensor, Var};
use effnet_ops::{Activation, BatchStatistics, batch_norm_eval, batch_norm_train};

use super::case::{Argument, Call, Case, Fallback};
use super::networks::{STAGES, Scale};
use super::slow;
use super::tolerance::Roundings;

/// In training, or in evaluation.
#[derive(Debug, Clone)]
pub(crate) struct BatchNorm {
    pub(crate) dims: Vec<usize>,
    pub(crate) activation: Activation,
}

impl BatchNorm {
    pub(crate) fn new(dims: &[usize], activation: Activation) -> Self {
        Self { dims: dims.to_vec(), activation }
    }

    fn channels(&self) -> usize {
        self.dims.last().copied().unwrap()
    }

    fn arguments(&self) -> Vec<Argument> {
        let c = [self.channels()];
        let x = Argument::new(&self.dims, 1).times(3.0).plus(0.5);
        vec![x, Argument::new(&c, 2).times(2.0), Argument::new(&c, 3)]
    }

    fn what(&self) -> String {
        format!("{:?}, {:?}", self.dims, self.activation)
    }

    /// Results: y, mean, variance.
    pub(crate) fn train(self) -> Case {
        const EPS: f64 = 1e-3;
        let (channels, activation) = (self.channels(), self.activation);
        Case::with_results(
            "batch_norm_train",
            self.what(),
            self.arguments(),
            move |a| {
                let (y, of_batch) = batch_norm_train(&a[0], &a[1], &a[2], EPS, activation)?;
                Ok(vec![y, of_batch.mean, of_batch.var])
            },
            move |a| {
                let [mean, var] = slow::statistics(&a[0], channels);
                let y = slow::batch_norm(&a[0], [&a[1], &a[2]], [&mean, &var], EPS, activation);
                vec![y, mean, var]
            },
        )
        .roundings(Roundings::of_values(80))
    }

    pub(crate) fn eval(self) -> Case {
        const EPS: f64 = 1e-5;
        let (c, activation) = ([self.channels()], self.activation);
        let mut arguments = self.arguments();
        arguments.push(Argument::new(&c, 4).without_gradient());
        arguments.push(Argument::new(&c, 5).squared().plus(0.2).without_gradient());
        Case::new(
            "batch_norm_eval",
            self.what(),
            arguments,
            move |a| batch_norm_eval(&a[0], &a[1], &a[2], &a[3], &a[4], EPS, activation),
            move |a| slow::batch_norm(&a[0], [&a[1], &a[2]], [&a[3], &a[4]], EPS, activation),
        )
        .roundings(Roundings::of_values(80))
    }
}

/// Running statistics of so many channels, moved by those of a batch of ten rows.
fn track(channels: usize) -> Case {
    const COUNT: usize = 10;
    const MOMENTUM: f64 = 0.1;
    let argument = |seed| Argument::new(&[channels], seed);
    let prepare = |a: &[Tensor]| -> candle_core::Result<Call> {
        let batch = BatchStatistics { mean: a[2].clone(), var: a[3].clone(), count: COUNT };
        let (mean, var) = (Var::from_tensor(&a[0].copy()?)?, Var::from_tensor(&a[1].copy()?)?);
        Ok(Box::new(move || {
            batch.track(&mean, &var, MOMENTUM)?;
            Ok(vec![mean.as_detached_tensor(), var.as_detached_tensor()])
        }))
    };
    let reference = |a: &[Vec<f64>]| {
        let unbiased = COUNT as f64 / (COUNT - 1) as f64;
        let moved = |running: &[f64], batch: &[f64], scale: f64| {
            let pairs = running.iter().zip(batch);
            pairs.map(|(r, b)| (1.0 - MOMENTUM) * r + MOMENTUM * scale * b).collect()
        };
        vec![moved(&a[0], &a[2], 1.0), moved(&a[1], &a[3], unbiased)]
    };
    let arguments = vec![argument(1), argument(2).squared(), argument(3), argument(4).squared()];
    Case::prepared("BatchStatistics", format!("track [{channels}]"), arguments, prepare, reference)
        .fallback(Fallback::SinglesOnTheCpu)
        .roundings(Roundings::of_values(4))
}

pub(super) fn rows() -> Vec<Case> {
    let small = [
        (&[2, 3, 5, 7][..], Activation::Swish),
        (&[1, 9, 2, 16], Activation::Relu6),
        (&[3, 4, 4, 33], Activation::Identity),
        (&[6, 1], Activation::Swish),
    ];
    let mut norms: Vec<BatchNorm> =
        small.into_iter().map(|(dims, activation)| BatchNorm::new(dims, activation)).collect();
    for scale in Scale::ALL {
        for stage in [STAGES[1], STAGES[11]] {
            norms.push(BatchNorm::new(&stage.window(scale).dims, Activation::Swish));
        }
        norms.push(BatchNorm::new(&STAGES[1].filtered(scale), Activation::Relu6));
    }
    let mut cases: Vec<Case> = norms.iter().cloned().map(BatchNorm::train).collect();
    cases.extend(norms.into_iter().map(BatchNorm::eval));
    cases.extend([1, 33, 1280].map(track));
    cases
}
