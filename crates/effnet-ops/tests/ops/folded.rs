//! What evaluation makes ready once, against the separate operations.

use candle_core::{Result, Tensor};
use effnet_ops::{
    Activation, ConvNorm, Folded, FoldedConv, FoldedMbConv, FoldedParts, Padding, add, batch_norm_eval,
    conv2d, pointwise_conv,
};

use crate::mb_conv::{CASE, Case, EPS};
use crate::support::{PADDINGS, Way, assert_close, doubles, numbers, tensor};

/// Statistics of a norm, the same for each of so many channels' norms.
fn statistics(channels: usize) -> [Tensor; 2] {
    let var: Vec<f32> = numbers(channels, 78).iter().map(|v| v * v + 0.3).collect();
    [tensor(&[channels], 77), Tensor::new(var, tensor(&[1], 0).device()).unwrap()]
}

fn fold(conv: &ConvNorm<'_>) -> Result<Folded> {
    let [mean, var] = statistics(conv.norm_bias.elem_count());
    Folded::new(conv, &mean, &var, EPS)
}

fn norm(c: &Tensor, conv: &ConvNorm<'_>, activation: Activation) -> Result<Tensor> {
    let [mean, var] = statistics(conv.norm_bias.elem_count());
    batch_norm_eval(c, conv.norm_weight, conv.norm_bias, &mean, &var, EPS, activation)
}

fn folded(case: Case, skip: bool) -> Result<FoldedMbConv> {
    case.with(&case.arguments(), |_, block| {
        FoldedMbConv::new(FoldedParts {
            expansion: block.expansion.as_ref().map(fold).transpose()?,
            depthwise: fold(&block.depthwise)?,
            squeeze_excitation: block.squeeze_excitation,
            projection: fold(&block.projection)?,
            stride: block.stride,
            padding: block.padding,
            activation: block.activation,
            skip,
        })
    })
}

fn check(case: Case, skip: bool) {
    let arguments = case.arguments();
    let exact = case.separate_with(&arguments, norm).unwrap();
    let exact = if skip { add(&exact, &arguments[0]).unwrap() } else { exact };
    for way in Way::all(&arguments[0]) {
        let got = way.compute(|| folded(case, skip).unwrap().forward(&arguments[0]).unwrap());
        assert_close(&format!("{case:?} by {way:?}"), &got, &doubles(&exact), 1e-5);
    }
}

#[test]
fn a_block_equals_separate_operations() {
    for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2), (1, 1), (7, 3)] {
        for padding in PADDINGS {
            check(Case { kernel, stride, padding, ..CASE }, false);
        }
    }
    check(Case { reduced: None, ..CASE }, false);
    check(Case { input: 20, ..CASE }, false);
    check(Case { reduced: None, input: 20, activation: Activation::Relu6, ..CASE }, false);
    check(Case { output: 5, ..CASE }, true);
    check(Case { input: 20, output: 20, ..CASE }, true);
}

#[test]
fn a_block_in_many_tiles_equals_separate_operations() {
    // More channels than a tile, and more rows than stay in the cache.
    for stride in [1, 2] {
        let case = Case { images: [2, 41, 113], hidden: 100, kernel: 5, stride, ..CASE };
        check(case, false);
        check(Case { padding: Padding::Same, input: 100, ..case }, false);
    }
}

#[test]
fn a_convolution_equals_separate_operations() {
    let x = tensor(&[3, 15, 14, 3], 1);
    let [norm_weight, norm_bias] = [tensor(&[21], 2), tensor(&[21], 3)];
    for (kernel, stride) in [(3, 2), (5, 1), (1, 1), (1, 2)] {
        for padding in PADDINGS {
            let weight = tensor(&[21, 3, kernel, kernel], 4);
            let layer = ConvNorm { weight: &weight, norm_weight: &norm_weight, norm_bias: &norm_bias };
            let conv = match (kernel, stride) {
                (1, 1) => pointwise_conv(&x, &weight),
                _ => conv2d(&x, &weight, stride, padding),
            };
            let exact = norm(&conv.unwrap(), &layer, Activation::Swish).unwrap();
            for way in Way::all(&x) {
                let conv = |folded| FoldedConv::new(folded, stride, padding, Activation::Swish);
                let got = way.compute(|| conv(fold(&layer)?)?.forward(&x)).unwrap();
                let what = format!("{kernel} {stride} {padding:?} by {way:?}");
                assert_close(&what, &got, &doubles(&exact), 1e-5);
            }
        }
    }
}

#[test]
fn an_image_has_the_same_bits_alone_and_for_any_number_of_threads() {
    let case = Case { images: [5, 29, 33], hidden: 100, output: 5, ..CASE };
    let (block, x) = (folded(case, true).unwrap(), &case.arguments()[0]);
    let values = |t: Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let all = values(block.forward(x).unwrap());
    let image = all.len() / 5;
    for i in 0..5 {
        let alone = values(block.forward(&x.narrow(0, i, 1).unwrap()).unwrap());
        assert_eq!(alone, all[i * image..(i + 1) * image], "image {i}");
    }
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| values(block.forward(x).unwrap())), all, "{threads} threads");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(folded(CASE, true).unwrap_err().to_string().contains("skip"));
    assert!(folded(Case { stride: 2, output: 5, ..CASE }, true).is_err());
    let block = folded(CASE, false).unwrap();
    for dims in [&[2, 4, 4, 6][..], &[2, 4, 4], &[0, 4, 4, 5]] {
        assert!(block.forward(&tensor(dims, 1)).is_err(), "{dims:?}");
    }
    let (weight, vector) = (tensor(&[4, 3, 1, 1], 1), tensor(&[4], 2));
    let conv = ConvNorm { weight: &weight, norm_weight: &vector, norm_bias: &vector };
    assert!(Folded::new(&conv, &vector, &tensor(&[3], 3), EPS).is_err());
    assert!(Folded::new(&conv, &vector, &vector, 0.0).unwrap_err().to_string().contains("eps"));
    let conv = FoldedConv::new(
        Folded::new(&conv, &vector, &vector, EPS).unwrap(),
        1,
        Padding::Same,
        Activation::Swish,
    )
    .unwrap();
    assert!(conv.forward(&tensor(&[1, 2, 2, 4], 1)).unwrap_err().to_string().contains("Cin"));
}
