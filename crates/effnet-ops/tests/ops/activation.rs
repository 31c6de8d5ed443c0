//! swish(beta), fixed and learned, and the activations of a batch norm.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor, Var};
use effnet_ops::{Activation, activate, swish, swish_learnable};
use proptest::prelude::*;
use serde::Deserialize;

use crate::support::{assert_close, assert_holds, doubles, singles};
use crate::table::elementwise::{activation, sum, swish_learned, swish_of};

#[derive(Deserialize)]
struct Golden {
    swish: BTreeMap<String, GoldenSwish>,
}

#[derive(Deserialize)]
struct GoldenSwish {
    x: Vec<f32>,
    y: Vec<f64>,
    dx: Vec<f64>,
    dbeta: f64,
}

#[test]
fn swish_and_its_derivatives_are_those_of_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("../golden/swish.json")).unwrap();
    assert_eq!(golden.swish.len(), 5);
    for (word, golden) in golden.swish {
        let beta: f64 = word.parse().unwrap();
        let x = Var::from_slice(&golden.x, golden.x.len(), &Device::Cpu).unwrap();
        let slope = Var::new(beta as f32, &Device::Cpu).unwrap();
        for learnable in [false, true] {
            let y = if learnable { swish_learnable(&x, &slope) } else { swish(&x, beta) }.unwrap();
            assert_close(&format!("swish({word})"), &y, &golden.y, 1e-7);
            let gradients = y.sum_all().unwrap().backward().unwrap();
            assert_close(&format!("d swish({word}) / dx"), gradients.get(&x).unwrap(), &golden.dx, 3e-7);
            if learnable {
                let dbeta = gradients.get(&slope).unwrap();
                assert_close(&format!("d swish({word}) / dbeta"), dbeta, &[golden.dbeta], 3e-7);
            }
        }
    }
}

#[test]
fn swish_equals_its_reference() {
    for dims in [&[7][..], &[3, 5], &[2, 3, 5, 24], &[40_000]] {
        for beta in [0.0, 0.7, 1.0, -1.5] {
            assert_holds(&swish_of(dims, beta));
        }
    }
}

#[test]
fn learned_swish_equals_its_reference() {
    for dims in [&[7][..], &[3, 5], &[2, 3, 5, 24]] {
        for beta_dims in [&[][..], &[1]] {
            assert_holds(&swish_learned(dims, 0.8, beta_dims));
        }
    }
}

#[test]
fn swish_is_its_limit_far_out_and_finite() {
    let far = [f32::MIN, -1e30, -200.0, 200.0, 1e30, f32::MAX];
    let x = Var::from_slice(&far, far.len(), &Device::Cpu).unwrap();
    let beta = Var::new(1f32, &Device::Cpu).unwrap();
    let y = swish_learnable(&x, &beta).unwrap();
    assert_eq!(singles(&y), [0.0, 0.0, 0.0, 200.0, 1e30, f32::MAX]);
    let gradients = y.sum_all().unwrap().backward().unwrap();
    // Where numbers below the normal ones are not flushed to 0, as on aarch64, the slope is as small as these.
    let slopes = singles(gradients.get(&x).unwrap());
    for (slope, limit) in slopes.iter().zip([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]) {
        assert!((slope - limit).abs() < 100.0 * f32::MIN_POSITIVE, "{slopes:?}");
    }
    assert_eq!(singles(gradients.get(&beta).unwrap()), [0.0]);
}

fn check_activations(dims: &[usize]) {
    for f in [Activation::Identity, Activation::Swish, Activation::Relu6] {
        assert_holds(&activation(dims, f));
    }
}

#[test]
fn activations_equal_their_references() {
    check_activations(&[3, 37]);
}

#[test]
fn relu6_has_no_slope_at_its_corners_as_pytorchs_hardtanh() {
    let x = Var::from_slice(&[0f32, 6.0, 3.0], 3, &Device::Cpu).unwrap();
    let y = activate(&x, Activation::Relu6).unwrap();
    let gradients = y.sum_all().unwrap().backward().unwrap();
    assert_eq!(singles(gradients.get(&x).unwrap()), [0.0, 0.0, 1.0]);
}

#[test]
fn nan_is_not_hidden() {
    let x = Tensor::new(&[f32::NAN; 9], &Device::Cpu).unwrap();
    for activation in [Activation::Swish, Activation::Relu6] {
        assert!(doubles(&activate(&x, activation).unwrap()).iter().all(|y| y.is_nan()), "{activation:?}");
    }
}

#[test]
fn a_residual_sum_equals_its_reference() {
    for dims in [&[5][..], &[2, 3, 3, 8], &[40_001]] {
        assert_holds(&sum(dims));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn they_equal_their_references_over_random_shapes(dims in prop::collection::vec(1usize..14, 1..5), beta in -3.0..3.0) {
        assert_holds(&swish_of(&dims, beta));
        assert_holds(&swish_learned(&dims, beta as f32, &[1]));
        check_activations(&dims);
        assert_holds(&sum(&dims));
    }
}
