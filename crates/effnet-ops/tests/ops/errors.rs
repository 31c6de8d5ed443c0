//! What a caller can get wrong gives an error that says which shapes came, and never a panic.

use candle_core::{DType, Result, Tensor, Var};
use effnet_ops::{
    Activation, Padding, Sgd, SgdParam, SqueezeExcitation, activate, add, batch_norm_eval, batch_norm_train,
    conv2d, depthwise_conv, drop_path, dropout, global_avg_pool, linear, nchw_to_nhwc, nhwc_to_nchw,
    pointwise_conv, sgd_step, squeeze_excitation, swish, swish_learnable,
};

use crate::support::{doubles, tensor};

fn assert_says<T>(result: Result<T>, words: &[&str]) {
    let message = match result {
        Ok(_) => panic!("no error, though {words:?} was expected"),
        Err(error) => error.to_string(),
    };
    for word in words {
        assert!(message.contains(word), "'{message}' does not say '{word}'");
    }
}

fn t(dims: &[usize]) -> Tensor {
    tensor(dims, 1)
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let x = t(&[2, 4, 5, 3]);
    let symmetric = Padding::Symmetric;
    assert_says(conv2d(&x, &t(&[8, 4, 3, 3]), 1, symmetric), &["conv2d", "[2, 4, 5, 3]", "[8, 4, 3, 3]"]);
    assert_says(conv2d(&x, &t(&[8, 3, 2, 2]), 1, symmetric), &["[8, 3, 2, 2]", "odd"]);
    assert_says(conv2d(&x, &t(&[8, 3, 3, 3]), 0, symmetric), &["stride [0]"]);
    assert_says(conv2d(&t(&[4, 5, 3]), &t(&[8, 3, 3, 3]), 1, symmetric), &["[4, 5, 3]"]);
    assert_says(conv2d(&t(&[0, 4, 5, 3]), &t(&[8, 3, 3, 3]), 1, symmetric), &["[0, 4, 5, 3]"]);
    assert_says(depthwise_conv(&x, &t(&[3, 3, 3, 3]), 1, symmetric), &["depthwise_conv", "[3, 3, 3, 3]"]);
    assert_says(depthwise_conv(&x, &t(&[4, 1, 3, 3]), 1, symmetric), &["[4, 1, 3, 3]"]);
    assert_says(depthwise_conv(&x, &t(&[3, 1, 3, 5]), 1, symmetric), &["[3, 1, 3, 5]"]);
    assert_says(pointwise_conv(&x, &t(&[8, 4, 1, 1])), &["pointwise_conv", "[2, 4, 5, 3]", "[8, 4, 1, 1]"]);
    assert_says(pointwise_conv(&x, &t(&[8, 3, 3, 3])), &["[8, 3, 3, 3]"]);
    assert_says(linear(&t(&[2, 3]), &t(&[5, 4]), &t(&[5])), &["linear", "x [2, 3]", "w [5, 4]", "b [5]"]);
    assert_says(linear(&t(&[2, 3]), &t(&[5, 3]), &t(&[4])), &["b [4]"]);
    assert_says(global_avg_pool(&t(&[2, 3])), &["global_avg_pool", "[2, 3]"]);
    assert_says(global_avg_pool(&t(&[2, 0, 3, 4])), &["[2, 0, 3, 4]"]);
    assert_says(add(&t(&[2, 3]), &t(&[3, 2])), &["add", "a [2, 3]", "b [3, 2]"]);
    assert_says(nchw_to_nhwc(&t(&[2, 3])), &["nchw_to_nhwc", "[2, 3]"]);
    assert_says(nhwc_to_nchw(&t(&[2, 3, 4, 5, 6])), &["nhwc_to_nchw", "[2, 3, 4, 5, 6]"]);
    assert_says(drop_path(&t(&[4]), 0.5, 1), &["drop_path", "[4]"]);
    assert_says(swish_learnable(&x, &t(&[3])), &["swish_learnable", "beta [3]"]);
}

#[test]
fn a_batch_norm_names_the_vector_that_does_not_fit() {
    let (x, three, four) = (t(&[2, 4, 5, 3]), t(&[3]), t(&[4]));
    let none = Activation::Identity;
    assert_says(batch_norm_train(&x, &four, &three, 1e-3, none), &["batch_norm_train", "weight [4]"]);
    assert_says(batch_norm_train(&x, &three, &three, 0.0, none), &["eps", "0"]);
    assert_says(batch_norm_train(&t(&[0, 3]), &three, &three, 1e-3, none), &["[0, 3]"]);
    let eval = |mean: &Tensor, var: &Tensor| batch_norm_eval(&x, &three, &three, mean, var, 1e-3, none);
    assert_says(eval(&four, &three), &["batch_norm_eval", "running_mean [4]"]);
    assert_says(eval(&three, &four), &["running_var [4]"]);
}

#[test]
fn a_squeeze_and_excitation_names_all_its_shapes() {
    let parameters = SqueezeExcitation {
        reduce_weight: &t(&[2, 3, 1, 1]),
        reduce_bias: &t(&[2]),
        expand_weight: &t(&[2, 3, 1, 1]),
        expand_bias: &t(&[3]),
    };
    let words = ["squeeze_excitation", "x [2, 4, 5, 3]", "expand_weight [2, 3, 1, 1]"];
    assert_says(squeeze_excitation(&t(&[2, 4, 5, 3]), &parameters), &words);
}

#[test]
fn settings_out_of_range_are_named() {
    for rate in [-0.1, 1.0, f64::NAN] {
        assert_says(dropout(&t(&[3]), rate, 1), &["dropout", "rate"]);
        assert_says(drop_path(&t(&[3, 2]), rate, 1), &["drop_path", "rate"]);
    }
    assert_says(swish(&t(&[3]), f64::NAN), &["swish", "beta"]);
}

#[test]
fn another_element_type_is_named() {
    let x = t(&[2, 3]).to_dtype(DType::F64).unwrap();
    assert_says(activate(&x, Activation::Swish), &["swish", "f32", "F64"]);
    assert_says(add(&x, &x), &["add", "F64"]);
    assert_says(pointwise_conv(&x, &t(&[4, 3])), &["pointwise_conv", "F64"]);
}

/// That a step of this list is refused in these words, and moves nothing.
fn assert_no_step(list: &[SgdParam<'_>], words: &[&str]) {
    let values = || -> Vec<Vec<f64>> {
        let vars = list.iter().flat_map(|moved| [moved.parameter, moved.velocity]);
        vars.map(|var| doubles(&var.to_dtype(DType::F32).unwrap())).collect()
    };
    let before = values();
    let settings = Sgd { lr: 0.1, momentum: 0.9, weight_decay: 0.1 };
    assert_says(sgd_step(list, &settings), words);
    assert_eq!(values(), before, "{words:?}: nothing moves");
}

#[test]
fn a_step_that_is_refused_moves_nothing() {
    let var = |seed| Var::from_tensor(&tensor(&[3], seed)).unwrap();
    let [p, v, q, w] = &[var(1), var(2), var(3), var(4)];
    let gradient = &t(&[3]);
    let first = SgdParam { parameter: p, velocity: v, gradient };
    let other = SgdParam { parameter: q, velocity: w, gradient };

    let long = SgdParam { gradient: &t(&[4]), ..other };
    assert_no_step(&[first, long], &["sgd_step", "parameter [3]", "velocity [3]", "gradient [4]"]);
    let short = &Var::from_tensor(&t(&[2])).unwrap();
    assert_no_step(&[first, SgdParam { velocity: short, ..other }], &["velocity [2]"]);

    let fine = &Var::from_tensor(&gradient.to_dtype(DType::F64).unwrap()).unwrap();
    for wrong in [
        SgdParam { parameter: fine, ..other },
        SgdParam { velocity: fine, ..other },
        SgdParam { gradient: fine.as_tensor(), ..other },
    ] {
        assert_no_step(&[first, wrong], &["sgd_step", "f32", "F64"]);
    }

    assert_no_step(&[first, other, SgdParam { velocity: &var(5), ..first }], &["parameter", "2"]);
    let [of_first, twice] = [SgdParam { velocity: v, ..other }, SgdParam { velocity: q, ..other }];
    assert_no_step(&[first, of_first], &["velocity", "1"]);
    assert_no_step(&[first, twice], &["velocity", "1"]);
    // Under another name, but of the same values.
    for var in [p, v, q, w] {
        let itself = SgdParam { gradient: &var.as_detached_tensor(), ..first };
        assert_no_step(&[itself, other], &["gradient", "0"]);
    }
}

#[test]
fn an_empty_batch_passes_through_what_has_no_window() {
    let x = t(&[0, 2, 2, 3]);
    assert_eq!(activate(&x, Activation::Swish).unwrap().dims(), [0, 2, 2, 3]);
    assert_eq!(add(&x, &x).unwrap().dims(), [0, 2, 2, 3]);
    assert_eq!(pointwise_conv(&x, &t(&[5, 3])).unwrap().dims(), [0, 2, 2, 5]);
    assert_eq!(drop_path(&x, 0.5, 1).unwrap().dims(), [0, 2, 2, 3]);
}
