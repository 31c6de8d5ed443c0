//! The same bits for any number of threads: forward and all gradients of every operation, on shapes
//! that are cut in several pieces.

use candle_core::{Result, Tensor, Var};
use effnet_ops::{
    Activation, ConvNorm, MbConv, Padding, Sgd, SqueezeExcitation, activate, add, batch_norm_eval,
    batch_norm_train, conv2d, depthwise_conv, drop_path, dropout, global_avg_pool, linear, mb_conv_train,
    nchw_to_nhwc, nhwc_to_nchw, pointwise_conv, sgd_step, squeeze_excitation, swish_learnable,
};

use crate::support::{gradients, numbers, singles, tensor};

fn assert_same_bits(what: &str, compute: impl Fn() -> Vec<Tensor> + Sync) {
    let bits = |threads: usize| -> Vec<u32> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let tensors = pool.install(&compute);
        tensors.iter().flat_map(singles).map(f32::to_bits).collect()
    };
    let one = bits(1);
    assert!(one.len() > 1, "{what}: something to compare");
    for threads in [2, 3, 5] {
        assert!(bits(threads) == one, "{what}: {threads} threads give other bits than one");
    }
}

fn check(what: &str, shapes: &[&[usize]], op: impl Fn(&[Tensor]) -> Result<Tensor> + Sync) {
    assert_same_bits(what, || {
        let arguments: Vec<Tensor> =
            shapes.iter().enumerate().map(|(i, dims)| tensor(dims, i as u64)).collect();
        let y = op(&arguments).unwrap();
        let cotangent = numbers(y.elem_count(), 99);
        let mut all = vec![y];
        all.extend(gradients(&arguments, &vec![true; shapes.len()], &op, &cotangent).into_iter().flatten());
        all
    });
}

const IMAGES: &[usize] = &[6, 19, 23, 40];

#[test]
fn convolutions() {
    for stride in [1, 2] {
        let name = format!("depthwise, stride {stride}");
        check(&name, &[IMAGES, &[40, 1, 5, 5]], |a| depthwise_conv(&a[0], &a[1], stride, Padding::Same));
        let name = format!("conv2d, stride {stride}");
        let shapes: [&[usize]; 2] = [&[6, 29, 31, 3], &[16, 3, 3, 3]];
        check(&name, &shapes, |a| conv2d(&a[0], &a[1], stride, Padding::Symmetric));
    }
}

#[test]
fn products() {
    check("pointwise, many rows", &[IMAGES, &[48, 40, 1, 1]], |a| pointwise_conv(&a[0], &a[1]));
    check("pointwise, few rows", &[&[64, 1, 1, 200], &[300, 200]], |a| pointwise_conv(&a[0], &a[1]));
    check("linear", &[&[70, 130], &[150, 130], &[150]], |a| linear(&a[0], &a[1], &a[2]));
}

#[test]
fn norms_and_gates() {
    let c: &[usize] = &[40];
    check("batch norm, train", &[IMAGES, c, c], |a| {
        Ok(batch_norm_train(&a[0], &a[1], &a[2], 1e-3, Activation::Swish)?.0)
    });
    let var = (tensor(c, 7).sqr().unwrap() + 0.1).unwrap();
    check("batch norm, eval", &[IMAGES, c, c], |a| {
        batch_norm_eval(&a[0], &a[1], &a[2], &var, &var, 1e-3, Activation::Relu6)
    });
    check("squeeze and excitation", &[IMAGES, &[10, 40, 1, 1], &[10], &[40, 10, 1, 1], c], |a| {
        let [reduce_weight, reduce_bias, expand_weight, expand_bias] = [&a[1], &a[2], &a[3], &a[4]];
        let parameters = SqueezeExcitation { reduce_weight, reduce_bias, expand_weight, expand_bias };
        squeeze_excitation(&a[0], &parameters)
    });
    assert_same_bits("batch statistics", || {
        let (_, s) =
            batch_norm_train(&tensor(IMAGES, 1), &tensor(c, 2), &tensor(c, 3), 1e-3, Activation::Identity)
                .unwrap();
        vec![s.mean, s.var]
    });
}

#[test]
fn elementwise_and_layout() {
    check("relu6", &[IMAGES], |a| activate(&a[0], Activation::Relu6));
    check("learned swish", &[IMAGES, &[1]], |a| swish_learnable(&a[0], &a[1]));
    check("add", &[IMAGES, IMAGES], |a| add(&a[0], &a[1]));
    check("dropout", &[IMAGES], |a| dropout(&a[0], 0.3, 5));
    check("drop path", &[IMAGES], |a| drop_path(&a[0], 0.3, 5));
    check("pool", &[IMAGES], |a| global_avg_pool(&a[0]));
    check("to NHWC", &[IMAGES], |a| nchw_to_nhwc(&a[0]));
    check("to NCHW", &[IMAGES], |a| nhwc_to_nchw(&a[0]));
}

#[test]
fn steps() {
    assert_same_bits("sgd", || {
        let parameter = Var::from_tensor(&tensor(IMAGES, 1)).unwrap();
        let velocity = Var::from_tensor(&tensor(IMAGES, 2)).unwrap();
        let settings = Sgd { lr: 0.1, momentum: 0.9, weight_decay: 1e-4 };
        sgd_step(&parameter, &velocity, &tensor(IMAGES, 3), &settings).unwrap();
        vec![parameter.as_tensor().clone(), velocity.as_tensor().clone()]
    });
}

#[test]
fn blocks() {
    block("a block, small images", IMAGES);
    block("a block, large images", &[9, 23, 25, 40]);
}

fn block(what: &str, images: &[usize]) {
    let shapes: [&[usize]; 14] = [
        images,
        &[72, 40, 1, 1],
        &[72],
        &[72],
        &[72, 1, 5, 5],
        &[72],
        &[72],
        &[24, 72, 1, 1],
        &[24],
        &[24],
        &[6, 72, 1, 1],
        &[6],
        &[72, 6, 1, 1],
        &[72],
    ];
    check(what, &shapes, |a| {
        let layer = |i: usize| ConvNorm { weight: &a[i], norm_weight: &a[i + 1], norm_bias: &a[i + 2] };
        let attention = SqueezeExcitation {
            reduce_weight: &a[10],
            reduce_bias: &a[11],
            expand_weight: &a[12],
            expand_bias: &a[13],
        };
        let block = MbConv {
            expansion: Some(layer(1)),
            depthwise: layer(4),
            attention: Some(attention),
            projection: layer(7),
            stride: 1,
            padding: Padding::Same,
            eps: 1e-3,
            activation: Activation::Swish,
        };
        Ok(mb_conv_train(&a[0], &block)?.0)
    });
}
