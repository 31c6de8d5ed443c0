//! What treats each value alike: activations, sums, masks; and what moves or averages values.

use candle_core::{DType, Device, Result, Tensor};
use effnet_ops::{
    Activation, activate, add, drop_path, dropout, global_avg_pool, nchw_to_nhwc, nhwc_to_nchw, swish,
    swish_learnable,
};

use super::case::{Argument, Case};
use super::networks::{FEATURES, STAGES, Scale, head};
use super::numbers::doubles;
use super::slow::{self, sigmoid};
use super::tolerance::Roundings;

fn wide(dims: &[usize], seed: u64) -> Argument {
    Argument::new(dims, seed).times(9.0)
}

pub(crate) fn swish_of(dims: &[usize], beta: f64) -> Case {
    let reference = move |a: &[Vec<f64>]| a[0].iter().map(|x| x * sigmoid(beta * x)).collect();
    let what = format!("{dims:?}, beta {beta}");
    Case::new("swish", what, vec![wide(dims, 1)], move |a| swish(&a[0], beta), reference)
        .roundings(Roundings::of_values(8))
}

/// beta's shape is [] or [1].
pub(crate) fn swish_learned(dims: &[usize], beta: f32, beta_dims: &[usize]) -> Case {
    let beta = Argument::new(beta_dims, 1).times(0.0).plus(beta);
    let reference = |a: &[Vec<f64>]| a[0].iter().map(|x| x * sigmoid(a[1][0] * x)).collect();
    let what = format!("{dims:?}, beta {beta_dims:?}");
    let arguments = vec![wide(dims, 2), beta];
    Case::new("swish_learnable", what, arguments, |a| swish_learnable(&a[0], &a[1]), reference)
        .roundings(Roundings::of_values(40))
}

pub(crate) fn activation(dims: &[usize], activation: Activation) -> Case {
    let reference = move |a: &[Vec<f64>]| a[0].iter().map(|x| slow::activation(activation, *x)).collect();
    // Times one, so that the identity too is an operation on a variable.
    let function = move |a: &[Tensor]| match activation {
        Activation::Identity => activate(&a[0].affine(1.0, 0.0)?, activation),
        _ => activate(&a[0], activation),
    };
    Case::new("activate", format!("{dims:?}, {activation:?}"), vec![wide(dims, 3)], function, reference)
        .roundings(Roundings::of_values(8))
}

pub(crate) fn sum(dims: &[usize]) -> Case {
    let arguments = vec![Argument::new(dims, 4), Argument::new(dims, 5)];
    Case::new("add", format!("{dims:?}"), arguments, |a| add(&a[0], &a[1]), |a| slow::sum(&a[0], &a[1]))
        .roundings(Roundings::of_values(8))
}

/// Dropout and drop path, each a product with its own mask.
pub(crate) fn masks(dims: &[usize], rate: f64, seed: u64) -> [Case; 2] {
    type Mask = fn(&Tensor, f64, u64) -> Result<Tensor>;
    let ops: [(&'static str, Mask); 2] = [("dropout", dropout), ("drop_path", drop_path)];
    ops.map(|(name, op)| {
        let shape = dims.to_vec();
        let reference = move |a: &[Vec<f64>]| {
            let ones = Tensor::ones(shape.as_slice(), DType::F32, &Device::Cpu).unwrap();
            let mask = doubles(&op(&ones, rate, seed).unwrap());
            a[0].iter().zip(mask).map(|(x, m)| x * m).collect()
        };
        let what = format!("{dims:?}, rate {rate:.2}");
        let function = move |a: &[Tensor]| op(&a[0], rate, seed);
        Case::new(name, what, vec![Argument::new(dims, 1)], function, reference)
            .roundings(Roundings::of_values(8))
    })
}

pub(crate) fn pool(dims: [usize; 4]) -> Case {
    let arguments = vec![Argument::new(&dims, 1)];
    let reference = move |a: &[Vec<f64>]| slow::pool(dims, &a[0]);
    Case::new("global_avg_pool", format!("{dims:?}"), arguments, |a| global_avg_pool(&a[0]), reference)
        .roundings(Roundings::of_values(8))
}

/// Of images of this shape with the channels last: there, and back.
pub(crate) fn layouts([n, h, w, c]: [usize; 4]) -> [Case; 2] {
    let first = [n, c, h, w];
    let to_nhwc = move |a: &[Vec<f64>]| {
        (0..n * h * w * c).map(|i| a[0][(i / (h * w * c) * c + i % c) * h * w + i / c % (h * w)]).collect()
    };
    let to_nchw = move |a: &[Vec<f64>]| {
        let place = |i: usize| (i / (h * w * c) * h * w + i % (h * w)) * c + i / (h * w) % c;
        (0..n * h * w * c).map(|i| a[0][place(i)]).collect()
    };
    let (last, what) = ([n, h, w, c], |dims: [usize; 4]| format!("{dims:?}"));
    [
        Case::new(
            "nchw_to_nhwc",
            what(first),
            vec![Argument::new(&first, 1)],
            |a| nchw_to_nhwc(&a[0]),
            to_nhwc,
        ),
        Case::new(
            "nhwc_to_nchw",
            what(last),
            vec![Argument::new(&last, 1)],
            |a| nhwc_to_nchw(&a[0]),
            to_nchw,
        ),
    ]
}

pub(super) fn rows() -> Vec<Case> {
    let mut shapes: Vec<[usize; 4]> = vec![[1, 1, 1, 1], [2, 3, 5, 7], [1, 9, 2, 16], [3, 4, 4, 33]];
    shapes.extend(Scale::ALL.map(|scale| STAGES[1].filtered(scale)));
    let mut cases = vec![];
    for dims in &shapes {
        cases.push(swish_of(dims, 1.0));
        cases.push(swish_learned(dims, 0.8, &[1]));
        cases.extend([Activation::Swish, Activation::Relu6].map(|f| activation(dims, f)));
        cases.push(sum(dims));
        cases.extend(masks(dims, 0.4, 11));
        cases.push(pool(*dims));
        cases.extend(layouts(*dims));
    }
    cases.push(swish_of(&[7], -1.5));
    cases.push(swish_learned(&[3, 5], 0.8, &[]));
    cases.extend(Scale::ALL.map(|scale| {
        let [n, h, w, _] = head(scale);
        pool([n, h, w, FEATURES])
    }));
    cases
}
