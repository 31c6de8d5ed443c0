//! The same bits for any number of threads: forward and all gradients of every operation, on shapes
//! that are cut in several pieces, and on random ones.

use std::sync::OnceLock;

use candle_core::{Result, Tensor};
use effnet_ops::{
    Activation, Padding, Sgd, activate, add, batch_norm_eval, batch_norm_train, conv2d, depthwise_conv,
    dispatch, drop_path, dropout, ema_step, global_avg_pool, linear, nchw_to_nhwc, nhwc_to_nchw,
    pointwise_conv, squeeze_excitation, swish_learnable,
};
use proptest::prelude::*;
use rayon::ThreadPool;

use crate::ema::Pairs;
use crate::sgd::{Network, SIZES};
use crate::support::{gate, gradients, kernel, numbers, padding, singles, tensor};
use crate::table::block::Block;
use crate::table::sequence::SEQUENCE;

/// Pools of one thread and of others.
fn pools() -> &'static [ThreadPool] {
    static POOLS: OnceLock<Vec<ThreadPool>> = OnceLock::new();
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    POOLS.get_or_init(|| [1, 2, 3, 5].map(pool).into())
}

/// On each level: in pools of any size, and called from a thread outside.
pub(crate) fn assert_same_bits(what: &str, compute: impl Fn() -> Vec<Tensor> + Sync) {
    for level in dispatch::available() {
        let bits = || -> Vec<u32> {
            let tensors = dispatch::with_level(level, &compute).unwrap();
            tensors.iter().flat_map(singles).map(f32::to_bits).collect()
        };
        let what = format!("{what} at {}", level.name());
        let outside = bits();
        assert!(!outside.is_empty(), "{what}: something to compare");
        for pool in pools() {
            let threads = pool.current_num_threads();
            assert!(pool.install(bits) == outside, "{what}: {threads} threads give other bits");
        }
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
        squeeze_excitation(&a[0], &gate(&a[1..]))
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
        let network = Network::new(SIZES);
        network.step(3, &Sgd { lr: 0.1, momentum: 0.9, weight_decay: 1e-4 }).unwrap();
        network.tensors()
    });
    assert_same_bits("average", || {
        let pairs = Pairs::new(SIZES);
        ema_step(&pairs.list(), 0.9).unwrap();
        pairs.averages()
    });
}

#[test]
fn blocks() {
    check_block(BLOCK);
    // Large images, and enough of them that each is a task of its own.
    check_block(Block { images: [9, 23, 25], ..BLOCK });
}

#[test]
fn a_sequence() {
    let shapes: Vec<Vec<usize>> = SEQUENCE.arguments().iter().map(|a| a.dims().to_vec()).collect();
    let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    check("a sequence", &shapes, |a| Ok(SEQUENCE.one(a)?.0));
}

const BLOCK: Block = Block {
    images: [6, 19, 23],
    input: 40,
    hidden: 72,
    output: 40,
    kernel: 5,
    stride: 1,
    padding: Padding::Same,
    reduced: Some(6),
    activation: Activation::Swish,
    skip: Some(0.3),
};

fn check_block(block: Block) {
    let shapes: Vec<Vec<usize>> = block.arguments().iter().map(|a| a.dims().to_vec()).collect();
    let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    check(&format!("{block:?}"), &shapes, |a| block.one(a));
    assert_same_bits(&format!("statistics of {block:?}"), || {
        let (_, statistics) = block.one_with_statistics(&block.arguments()).unwrap();
        statistics.into_iter().flat_map(|s| [s.mean, s.var]).collect()
    });
}

/// [N, H, W, C], some of one piece and some of many.
fn sizes() -> impl Strategy<Value = [usize; 4]> {
    (1usize..=5, 1usize..40, 1usize..40, 1usize..70).prop_map(|(n, h, w, c)| [n, h, w, c])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn convolutions_over_random_shapes(
        dims in sizes(), output in 1usize..40, k in kernel(), stride in 1usize..4, padding in padding(),
    ) {
        let [n, h, w, c] = dims;
        check("depthwise", &[&dims, &[c, 1, k, k]], |a| depthwise_conv(&a[0], &a[1], stride, padding));
        let few = 1 + c % 4;
        check("conv2d", &[&[n, h, w, few], &[output, few, k, k]], |a| conv2d(&a[0], &a[1], stride, padding));
        check("pointwise", &[&dims, &[output, c]], |a| pointwise_conv(&a[0], &a[1]));
        check("linear", &[&[n * h, c], &[output * 4, c], &[output * 4]], |a| linear(&a[0], &a[1], &a[2]));
    }

    #[test]
    fn norms_gates_and_elementwise_operations_over_random_shapes(dims in sizes(), r in 1usize..12, seed: u64) {
        let c = dims[3];
        check("batch norm, train", &[&dims, &[c], &[c]], |a| {
            Ok(batch_norm_train(&a[0], &a[1], &a[2], 1e-3, Activation::Swish)?.0)
        });
        check("squeeze and excitation", &[&dims, &[r, c, 1, 1], &[r], &[c, r, 1, 1], &[c]], |a| {
            squeeze_excitation(&a[0], &gate(&a[1..]))
        });
        check("learned swish", &[&dims, &[1]], |a| swish_learnable(&a[0], &a[1]));
        check("dropout", &[&dims], |a| dropout(&a[0], 0.3, seed));
        check("drop path", &[&dims], |a| drop_path(&a[0], 0.3, seed));
        check("pool", &[&dims], |a| global_avg_pool(&a[0]));
        check("to NCHW", &[&dims], |a| nhwc_to_nchw(&a[0]));
    }

    #[test]
    fn blocks_over_random_shapes(block in crate::mb_conv::blocks(1usize..=5, 1..30, 1..60)) {
        check_block(block);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn blocks_over_random_large_shapes(block in crate::mb_conv::blocks(8usize..=11, 30..40, 40..56)) {
        check_block(block);
    }
}
