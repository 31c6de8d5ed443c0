//! The steps that change variables in place.

use candle_core::{Result, Tensor, Var};
use effnet_ops::{EmaParam, Sgd, SgdParam, ema_step, sgd_step};

use super::case::{Argument, Call, Case, Fallback};
use super::tolerance::Roundings;

fn variables(tensors: &[Tensor]) -> Result<Vec<Var>> {
    tensors.iter().map(|tensor| Var::from_tensor(&tensor.copy()?)).collect()
}

fn values(variables: &[Var]) -> Vec<Tensor> {
    variables.iter().map(Var::as_detached_tensor).collect()
}

fn arguments(shapes: &[&[usize]], seed: u64) -> Vec<Argument> {
    shapes.iter().zip(seed..).map(|(dims, seed)| Argument::new(dims, seed)).collect()
}

fn what(shapes: &[&[usize]], steps: usize) -> String {
    format!("{shapes:?}, {steps} steps")
}

/// As many steps of SGD. Results: all parameters, then all velocities.
pub(crate) fn sgd(shapes: &[&[usize]], settings: Sgd, steps: usize) -> Case {
    let n = shapes.len();
    let seeds = [1, 1000].into_iter().chain((2..).map(|step| 1000 * step).take(steps));
    let prepare = move |a: &[Tensor]| -> Result<Call> {
        let (parameters, velocities) = (variables(&a[..n])?, variables(&a[n..2 * n])?);
        let gradients = a[2 * n..].to_vec();
        Ok(Box::new(move || {
            for step in 0..steps {
                let gradients = &gradients[step * n..(step + 1) * n];
                let all = parameters.iter().zip(&velocities).zip(gradients);
                let list: Vec<SgdParam<'_>> = all
                    .map(|((parameter, velocity), gradient)| SgdParam { parameter, velocity, gradient })
                    .collect();
                sgd_step(&list, &settings)?;
            }
            Ok([values(&parameters), values(&velocities)].concat())
        }))
    };
    let reference = move |a: &[Vec<f64>]| {
        let Sgd { lr, momentum, weight_decay } = settings;
        let (mut parameters, mut velocities) = (a[..n].to_vec(), a[n..2 * n].to_vec());
        for (i, gradient) in a[2 * n..].iter().enumerate() {
            let (p, v) = (&mut parameters[i % n], &mut velocities[i % n]);
            for ((p, v), g) in p.iter_mut().zip(v).zip(gradient) {
                *v = momentum * *v + (g + weight_decay * *p);
                *p -= lr * *v;
            }
        }
        [parameters, velocities].concat()
    };
    let arguments = seeds.flat_map(|seed| arguments(shapes, seed)).collect();
    Case::prepared("sgd_step", what(shapes, steps), arguments, prepare, reference)
        .fallback(Fallback::Nowhere)
        .roundings(Roundings::of_values(4))
}

/// As many steps of averages. Results: all averages.
pub(crate) fn ema(shapes: &[&[usize]], momentum: f64, steps: usize) -> Case {
    let n = shapes.len();
    let prepare = move |a: &[Tensor]| -> Result<Call> {
        let (averages, followed) = (variables(&a[..n])?, variables(&a[n..])?);
        Ok(Box::new(move || {
            let pairs = averages.iter().zip(&followed);
            let list: Vec<EmaParam<'_>> = pairs.map(|(average, value)| EmaParam { average, value }).collect();
            for _ in 0..steps {
                ema_step(&list, momentum)?;
            }
            Ok(values(&averages))
        }))
    };
    let reference = move |a: &[Vec<f64>]| {
        let mut averages = a[..n].to_vec();
        for _ in 0..steps {
            for (average, value) in averages.iter_mut().zip(&a[n..]) {
                for (a, x) in average.iter_mut().zip(value) {
                    *a = momentum * *a + (1.0 - momentum) * x;
                }
            }
        }
        averages
    };
    let arguments = [arguments(shapes, 1), arguments(shapes, 1000)].concat();
    Case::prepared("ema_step", what(shapes, steps), arguments, prepare, reference)
        .fallback(Fallback::Nowhere)
        .roundings(Roundings::of_values(4))
}

/// A small set of parameters, and some of B0's.
pub(super) fn rows() -> Vec<Case> {
    let settings = Sgd { lr: 0.01, momentum: 0.9, weight_decay: 5e-4 };
    let small: &[&[usize]] = &[&[7], &[3, 5, 2], &[1]];
    let network: &[&[usize]] =
        &[&[1280, 320, 1, 1], &[1280], &[1152, 1, 5, 5], &[1152], &[48, 1152, 1, 1], &[48]];
    let lists = [small, network];
    lists
        .iter()
        .map(|list| sgd(list, settings, 1))
        .chain(lists.iter().map(|list| ema(list, 0.999, 1)))
        .collect()
}
