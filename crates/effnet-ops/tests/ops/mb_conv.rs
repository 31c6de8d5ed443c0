//! The inverted residual block in training.

use candle_core::DType;
use effnet_ops::{Activation, Padding, dispatch};
use proptest::prelude::*;

use crate::support::{
    PADDINGS, assert_close, assert_holds, doubles, gradients, kernel, numbers, padding, tensor,
};
use crate::table::block::{BLOCK, Block, results};
use crate::table::tolerance::{Roundings, unit};

fn check(block: Block) {
    assert_holds(&block.case());
}

/// Against separate operations in f32, on every level: the slow twin, and candle's form in f64, would take a minute.
fn check_large(block: Block) {
    let arguments = block.arguments();
    let all = vec![true; arguments.len()];
    let Roundings { values, gradients: of_gradients, others } = block.case().roundings;
    let tolerance = |units: usize| unit(DType::F32) * units as f64;
    for level in dispatch::available() {
        let what = |part: &str, i: usize| format!("{part} {i} of {block:?} at {}", level.name());
        let compute = || {
            let found = [block.one_with_statistics(&arguments), block.separate(&arguments)];
            let [got, exact] = found.map(|found| results(found.unwrap()));
            for (i, (got, exact)) in got.iter().zip(&exact).enumerate() {
                let units = if i == 0 { values } else { others };
                assert_close(&what("result", i), got, &doubles(exact), tolerance(units));
            }
            let cotangent = numbers(got[0].elem_count(), 99);
            let got = gradients(&arguments, &all, &|a| block.one(a), &cotangent);
            let exact = gradients(&arguments, &all, &|a| Ok(block.separate(a)?.0), &cotangent);
            for (i, (got, exact)) in got.iter().zip(&exact).enumerate() {
                let (got, exact) = (got.as_ref().unwrap(), exact.as_ref().unwrap());
                assert_close(&what("gradient", i), got, &doubles(exact), tolerance(of_gradients));
            }
        };
        dispatch::with_level(level, compute).unwrap();
    }
}

#[test]
fn it_equals_its_reference() {
    for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2), (1, 1)] {
        for padding in PADDINGS {
            check(Block { kernel, stride, padding, ..BLOCK });
        }
    }
    check(Block { reduced: None, ..BLOCK });
    check(Block { input: 20, ..BLOCK });
    check(Block { reduced: None, input: 20, activation: Activation::Relu6, ..BLOCK });
    check(Block { activation: Activation::Identity, ..BLOCK });
    for rate in [0.0, 0.5] {
        check(Block { output: 5, skip: Some(rate), ..BLOCK });
        check(Block { input: 20, output: 20, skip: Some(rate), ..BLOCK });
    }
}

#[test]
fn it_equals_separate_operations_on_images_of_one_pixel_and_large_ones() {
    check_large(Block { images: [40, 1, 1], hidden: 72, ..BLOCK });
    check_large(Block { images: [2, 61, 43], kernel: 5, hidden: 40, ..BLOCK });
    check_large(Block { images: [9, 33, 35], stride: 2, hidden: 33, output: 17, ..BLOCK });
    // Enough large images that each is a task of its own.
    check_large(Block { images: [9, 41, 39], hidden: 24, ..BLOCK });
    check_large(Block {
        images: [17, 61, 63],
        kernel: 5,
        stride: 2,
        hidden: 36,
        padding: Padding::Same,
        ..BLOCK
    });
    check_large(Block { images: [8, 41, 39], input: 24, hidden: 24, ..BLOCK });
    check_large(Block { images: [9, 41, 39], output: 5, skip: Some(0.3), ..BLOCK });
}

#[test]
fn a_gradient_that_nobody_waits_for_is_not_made() {
    let arguments = BLOCK.arguments();
    let cotangent = numbers(BLOCK.one(&arguments).unwrap().elem_count(), 99);
    let all = gradients(&arguments, &vec![true; arguments.len()], &|a| BLOCK.one(a), &cotangent);
    for alone in 0..arguments.len() {
        let tracked: Vec<bool> = (0..arguments.len()).map(|i| i == alone).collect();
        let got = gradients(&arguments, &tracked, &|a| BLOCK.one(a), &cotangent);
        let exact = doubles(all[alone].as_ref().unwrap());
        assert_close(&format!("gradient {alone} alone"), got[alone].as_ref().unwrap(), &exact, 0.0);
        assert_eq!(got.iter().filter(|gradient| gradient.is_some()).count(), 1);
    }
    assert!(!BLOCK.one(&arguments).unwrap().track_op(), "no graph where nothing has a gradient");
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let mut arguments = BLOCK.arguments();
    arguments[2] = tensor(&[19], 1);
    let text = BLOCK.one(&arguments).unwrap_err().to_string();
    assert!(text.contains("mb_conv") && text.contains("[19]") && text.contains("[3, 7, 6, 5]"), "{text}");
    // A skip adds tensors of one shape.
    for case in [Block { skip: Some(0.0), ..BLOCK }, Block { output: 5, stride: 2, skip: Some(0.0), ..BLOCK }]
    {
        let text = case.one(&case.arguments()).unwrap_err().to_string();
        assert!(text.contains("skip"), "{text}");
    }
    let rate = Block { output: 5, skip: Some(1.0), ..BLOCK };
    assert!(rate.one(&rate.arguments()).unwrap_err().to_string().contains("rate"));
}

/// Blocks with and without expansion and gate. At least 32 rows after the stride: of a few rows a variance can be near 0,
/// and what is divided by it mostly rounding.
pub(crate) fn blocks(
    images: impl Strategy<Value = usize>,
    side: std::ops::Range<usize>,
    channels: std::ops::Range<usize>,
) -> impl Strategy<Value = Block> {
    let activation = prop::sample::select(vec![Activation::Identity, Activation::Swish, Activation::Relu6]);
    let shape = (images, side.clone(), side, 1usize..24, channels, 1usize..24);
    let skip = prop::option::of(prop::sample::select(vec![0.0, 0.3]));
    let filter = (kernel(), 1usize..3, padding());
    (shape, any::<bool>(), filter, prop::option::of(1usize..9), activation, skip).prop_map(
        |(
            (n, h, w, input, hidden, output),
            expands,
            (kernel, stride, padding),
            reduced,
            activation,
            skip,
        )| {
            let input = if expands { input } else { hidden };
            // As wide as other results are here: rounding grows with the width.
            let skip = skip.filter(|_| input < 24);
            let (output, stride) = if skip.is_some() { (input, 1) } else { (output, stride) };
            let outputs = |padding: Padding| [h, w].map(|size| padding.outputs(size, kernel, stride));
            let padding = if outputs(padding).contains(&0) { Padding::Same } else { padding };
            let [down, across] = outputs(padding);
            let rows = |n: usize| n * down * across;
            let n = (n..).find(|n| rows(*n) >= 32).unwrap_or(n);
            // Without an activation between, a norm right after a 1x1 kernel takes the bias of the one before out again: a gradient
            // of rounding alone. That holds for the depthwise kernel, and for the projection where there is no gate.
            let (kernel, reduced) = match activation {
                Activation::Identity => (kernel.max(3), reduced.or(Some(2))),
                _ => (kernel, reduced),
            };
            let images = [n, h, w];
            Block { images, input, hidden, output, kernel, stride, padding, reduced, activation, skip }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]
    #[test]
    fn it_equals_its_reference_over_random_shapes(block in blocks(1usize..=5, 1..14, 1..50)) {
        check(block);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn it_equals_separate_operations_over_random_large_shapes(block in blocks(8usize..=11, 30..40, 40..56)) {
        check_large(block);
    }
}
