//! Denormals are zeros to every kernel, in whichever thread, over random shapes. (On x86-64: others keep them.)

use candle_core::{DType, Device, Result, Tensor};
use effnet_ops::{
    Activation, Padding, activate, add, batch_norm_eval, conv2d, depthwise_conv, dispatch, drop_path, linear,
    pointwise_conv, squeeze_excitation,
};
use proptest::prelude::*;

use crate::support::{gate, gradients, images, numbers, singles, tensor};
use crate::threads::assert_same_bits;

/// Below the smallest normal number, 1.2e-38.
const TINY: f64 = 5e-39;

fn tiny(dims: &[usize], seed: u64) -> Tensor {
    let values = numbers(dims.iter().product(), seed);
    let values: Vec<f32> = values.iter().map(|x| (f64::from(*x) * TINY) as f32).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

fn assert_none(what: &str, t: &Tensor) {
    let denormal = singles(t).into_iter().find(|x| x.is_subnormal());
    assert!(denormal.is_none(), "{what}: {denormal:?} of {:?}", t.dims());
}

/// That of denormal activations no denormal comes, nor of denormal gradients of the result: in the result and in the
/// gradient of the activations, with the same bits for any number of threads.
fn check(what: &str, dims: &[usize], op: impl Fn(&Tensor) -> Result<Tensor> + Sync) {
    let compute = || {
        let x = tiny(dims, 1);
        let y = op(&x).unwrap();
        assert_none(&format!("{what}: y"), &y);
        let cotangent: Vec<f32> = numbers(y.elem_count(), 2).iter().map(|c| c * TINY as f32).collect();
        let dx = gradients(&[tensor(dims, 3)], &[true], &|a| op(&a[0]), &cotangent).swap_remove(0).unwrap();
        assert_none(&format!("{what}: dx"), &dx);
        vec![y, dx]
    };
    assert_same_bits(&format!("{what} of denormals"), compute);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn no_operation_takes_or_gives_them([n, h, w, c] in images(), stride in 1usize..3, r in 1usize..9) {
        let dims = [n * 4, h + 8, w + 8, c];
        let kernel = tensor(&[c, 1, 3, 3], 4);
        check("depthwise", &dims, |x| depthwise_conv(x, &kernel, stride, Padding::Same));
        let weight = tensor(&[c, c], 5);
        check("pointwise", &dims, |x| pointwise_conv(x, &weight));
        let stem = tensor(&[8, 3, 3, 3], 6);
        check("conv2d", &[n, h + 8, w + 8, 3], |x| conv2d(x, &stem, stride, Padding::Same));
        let ones = Tensor::ones(c, DType::F32, &Device::Cpu).unwrap();
        let zeros = ones.zeros_like().unwrap();
        check("linear", &[n * h, c], |x| linear(x, &weight, &zeros));
        check("batch norm", &dims, |x| {
            batch_norm_eval(x, &ones, &zeros, &zeros, &ones, 1e-3, Activation::Identity)
        });
        check("swish", &dims, |x| activate(x, Activation::Swish));
        check("relu6", &dims, |x| activate(x, Activation::Relu6));
        check("drop path", &dims, |x| drop_path(x, 0.3, 7));
        let parameters: Vec<Tensor> =
            [&[r, c, 1, 1][..], &[r], &[c, r, 1, 1], &[c]].iter().map(|dims| tensor(dims, 8)).collect();
        check("squeeze and excitation", &dims, |x| squeeze_excitation(x, &gate(&parameters)));
    }
}

#[test]
fn a_sum_of_them_is_zero() {
    // Its gradient is that of the result itself, which no kernel makes.
    let (a, b) = (tiny(&[3, 40_000], 1), tiny(&[3, 40_000], 2));
    assert_same_bits("sum of denormals", || {
        let y = add(&a, &b).unwrap();
        assert_none("a sum", &y);
        vec![y]
    });
}

#[test]
fn the_threads_around_keep_theirs() {
    let half = |x: f32| std::hint::black_box(x) * std::hint::black_box(0.5);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    for level in dispatch::available() {
        let compute =
            || activate(&tensor(&[40, 40, 40], 1), Activation::Swish).map(|y| y.elem_count()).unwrap();
        pool.install(|| dispatch::with_level(level, compute)).unwrap();
        let halves = pool.broadcast(|_| half(f32::MIN_POSITIVE));
        dispatch::with_level(level, compute).unwrap();
        for x in halves.into_iter().chain([half(f32::MIN_POSITIVE)]) {
            assert!(x.is_subnormal(), "half the smallest normal number is {x:e}");
        }
    }
}
