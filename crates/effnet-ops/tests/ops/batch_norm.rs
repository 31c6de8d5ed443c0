//! Batch norm fused with its activation.

use candle_core::{DType, Device, Tensor, Var};
use effnet_ops::{Activation, BatchStatistics, batch_norm_train};
use proptest::prelude::*;

use crate::support::{assert_close, assert_holds, doubles, images, tensor};
use crate::table::batch_norm::BatchNorm;
use crate::table::slow::statistics;

const ACTIVATIONS: [Activation; 3] = [Activation::Identity, Activation::Swish, Activation::Relu6];

fn check_train(dims: &[usize], act: Activation) {
    assert_holds(&BatchNorm::new(dims, act).train());
}

#[test]
fn training_equals_its_reference() {
    for act in ACTIVATIONS {
        for dims in [&[2, 3, 5, 7][..], &[4, 8], &[1, 9, 2, 16], &[3, 4, 4, 33], &[70, 130], &[6, 1]] {
            check_train(dims, act);
        }
    }
}

#[test]
fn training_equals_its_reference_over_many_pieces() {
    check_train(&[5, 11, 12, 24], Activation::Swish);
    check_train(&[5, 21, 32, 6], Activation::Swish);
}

fn check_eval(dims: &[usize], act: Activation) {
    assert_holds(&BatchNorm::new(dims, act).eval());
}

#[test]
fn evaluation_equals_its_reference() {
    for act in ACTIVATIONS {
        for dims in [&[2, 3, 5, 7][..], &[4, 8], &[1, 9, 2, 16], &[3, 4, 4, 33]] {
            check_eval(dims, act);
        }
    }
}

/// The mean to `tolerance` times the values' size, for one near 0 is the difference of larger sums; the variance to
/// `tolerance` times itself.
fn assert_statistics(x: &Tensor, tolerance: f64) {
    let c = *x.dims().last().unwrap();
    let one = Tensor::ones(c, DType::F32, &Device::Cpu).unwrap();
    let (_, got) = batch_norm_train(x, &one, &one, 1e-5, Activation::Identity).unwrap();
    let [mean, var] = statistics(&doubles(x), c);
    assert_eq!(got.count, x.elem_count() / c);
    let (got_mean, got_var) = (doubles(&got.mean), doubles(&got.var));
    for i in 0..c {
        let size = mean[i].hypot(var[i].sqrt());
        let (off, dims) = ((got_mean[i] - mean[i]).abs(), x.dims());
        assert!(off <= tolerance * size, "mean {}, not {}, of {dims:?}", got_mean[i], mean[i]);
        let off = (got_var[i] - var[i]).abs();
        assert!(off <= tolerance * var[i], "variance {}, not {}, of {dims:?}", got_var[i], var[i]);
    }
}

#[test]
fn statistics_are_exact_to_rounding() {
    for dims in [[1, 1, 1, 5], [2, 3, 5, 7], [4, 16, 16, 24], [64, 1, 1, 200]] {
        assert_statistics(&(tensor(&dims, 6) + 0.3).unwrap(), 1e-6);
    }
}

#[test]
fn the_variance_survives_a_mean_of_a_thousand_deviations() {
    // In one pass over the squares, f32 would lose every digit here.
    assert_statistics(&(tensor(&[16, 8, 8, 20], 7) + 1000.0).unwrap(), 2e-6);
}

#[test]
fn the_variance_survives_an_outlier_in_the_first_row() {
    let mut values = crate::support::numbers(4096 * 8, 8);
    values[..8].fill(1e4);
    assert_statistics(&Tensor::from_vec(values, (4, 32, 32, 8), &Device::Cpu).unwrap(), 2e-6);
}

#[test]
fn a_constant_channel_becomes_its_bias() {
    let x = Tensor::full(3.7f32, (2, 4, 4, 3), &Device::Cpu).unwrap();
    let (w, b) = (tensor(&[3], 1), tensor(&[3], 2));
    let (y, statistics) = batch_norm_train(&x, &w, &b, 1e-3, Activation::Identity).unwrap();
    assert_eq!(doubles(&statistics.var), [0.0; 3]);
    let exact: Vec<f64> = doubles(&b).into_iter().cycle().take(96).collect();
    assert_close("constant", &y, &exact, 1e-6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn training_equals_its_reference_over_random_shapes([n, h, w, c] in images(), act in activations()) {
        // With one row the deviation is 0, and so is all that the reference's differences could find.
        check_train(&[n + 1, h, w, c], act);
    }

    #[test]
    fn evaluation_equals_its_reference_over_random_shapes(dims in images(), act in activations()) {
        check_eval(&dims, act);
    }

    #[test]
    fn statistics_are_exact_to_rounding_over_random_shapes(dims in images()) {
        assert_statistics(&(tensor(&dims, 6) + 0.3).unwrap(), 1e-6);
    }
}

fn activations() -> impl Strategy<Value = Activation> {
    prop::sample::select(ACTIVATIONS.to_vec())
}

/// By PyTorch's rule: the mean by the batch's, the variance by the unbiased one, 4/3 of it for four values.
#[test]
fn running_statistics_move_by_a_share() {
    let vector = |values: [f32; 2]| Tensor::new(&values, &Device::Cpu).unwrap();
    let running = |values| Var::from_tensor(&vector(values)).unwrap();
    let (mean, var) = (running([1.0, -2.0]), running([1.0, 8.0]));
    let mut batch = BatchStatistics { mean: vector([5.0, 2.0]), var: vector([3.0, 0.0]), count: 4 };
    batch.track(&mean, &var, 0.25).unwrap();
    let values = || [&mean, &var].map(|running| running.to_vec1::<f32>().unwrap());
    assert_eq!(values(), [[2.0, -1.0], [1.75, 6.0]]);
    batch.count = 1;
    batch.track(&mean, &var, 0.25).unwrap();
    assert_eq!(values(), [[2.0, -1.0], [1.75, 6.0]], "one value has no variance");
    batch.count = 4;
    let three = Var::zeros(3, DType::F32, &Device::Cpu).unwrap();
    let error = batch.track(&mean, &three, 0.25).unwrap_err().to_string();
    assert!(error.contains("running [3]") && error.contains("batch [2]"), "{error}");
    assert_eq!(values(), [[2.0, -1.0], [1.75, 6.0]], "checked before anything moves");
}
