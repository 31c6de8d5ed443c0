//! Squeeze and excitation.

use candle_core::Tensor;
use effnet_ops::squeeze_excitation;
use proptest::prelude::*;

use crate::support::{check, gate, images, sigmoid, tensor};

fn reference(dims: [usize; 4], r: usize, a: &[Vec<f64>]) -> Vec<f64> {
    let [_, h, w, c] = dims;
    let [x, reduce, reduce_bias, expand, expand_bias] = a else { panic!("five arguments") };
    let mut out = vec![];
    for image in x.chunks_exact(h * w * c) {
        let pooled = |i: usize| image.iter().skip(i).step_by(c).sum::<f64>() / (h * w) as f64;
        let hidden: Vec<f64> = (0..r)
            .map(|o| reduce_bias[o] + (0..c).map(|i| reduce[o * c + i] * pooled(i)).sum::<f64>())
            .map(|x| x * sigmoid(x))
            .collect();
        let gate: Vec<f64> = (0..c)
            .map(|o| expand_bias[o] + (0..r).map(|i| expand[o * r + i] * hidden[i]).sum::<f64>())
            .map(sigmoid)
            .collect();
        out.extend(image.iter().enumerate().map(|(i, x)| x * gate[i % c]));
    }
    out
}

fn check_gate(dims: [usize; 4], r: usize) {
    let c = dims[3];
    let arguments = [
        (tensor(&dims, 1) * 2.0).unwrap(),
        tensor(&[r, c, 1, 1], 2),
        tensor(&[r], 3),
        tensor(&[c, r, 1, 1], 4),
        tensor(&[c], 5),
    ];
    let op = |a: &[Tensor]| squeeze_excitation(&a[0], &gate(&a[1..]));
    check(&format!("{dims:?} by {r}"), &arguments, &op, &|a| reference(dims, r, a), 5e-6);
}

#[test]
fn it_equals_its_reference() {
    for (dims, r) in [
        ([2, 3, 5, 7], 2),
        ([1, 1, 1, 8], 4),
        ([3, 4, 4, 33], 8),
        ([2, 1, 9, 16], 1),
        ([5, 2, 2, 150], 6),
        ([2, 23, 29, 12], 3),
    ] {
        check_gate(dims, r);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn it_equals_its_reference_over_random_shapes(dims in images(), r in 1usize..14) {
        check_gate(dims, r);
    }
}
