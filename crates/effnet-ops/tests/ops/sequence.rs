//! A stem, blocks and a head as one operation.

use candle_core::Tensor;
use effnet_ops::{Activation, sequence_train};
use proptest::prelude::*;

use crate::support::{
    PADDINGS, assert_close, assert_holds, doubles, gradients, kernel, numbers, padding, tensor,
};
use crate::table::sequence::{SEQUENCE, Sequence};

fn check(sequence: Sequence) {
    assert_holds(&sequence.case());
}

#[test]
fn it_equals_its_reference() {
    for (kernel, stride) in [(3, 1), (3, 2), (5, 2), (1, 1), (1, 2)] {
        for padding in PADDINGS {
            check(Sequence { kernel, stride, padding, ..SEQUENCE });
        }
    }
    check(Sequence { activation: Activation::Relu6, ..SEQUENCE });
    // Enough pixels that products are cut in blocks.
    check(Sequence { images: [9, 41, 43], ..SEQUENCE });
}

#[test]
fn a_gradient_that_nobody_waits_for_is_not_made() {
    let arguments = SEQUENCE.arguments();
    let cotangent = numbers(SEQUENCE.one(&arguments).unwrap().0.elem_count(), 99);
    let all = gradients(&arguments, &vec![true; arguments.len()], &|a| Ok(SEQUENCE.one(a)?.0), &cotangent);
    for alone in 0..arguments.len() {
        let tracked: Vec<bool> = (0..arguments.len()).map(|i| i == alone).collect();
        let got = gradients(&arguments, &tracked, &|a| Ok(SEQUENCE.one(a)?.0), &cotangent);
        let exact = doubles(all[alone].as_ref().unwrap());
        assert_close(&format!("gradient {alone} alone"), got[alone].as_ref().unwrap(), &exact, 0.0);
    }
    assert!(!SEQUENCE.one(&arguments).unwrap().0.track_op(), "no graph where nothing has a gradient");
}

#[test]
fn what_does_not_fit_is_named() {
    let says = |change: &dyn Fn(&mut Vec<Tensor>), words: &[&str]| {
        let mut arguments = SEQUENCE.arguments();
        change(&mut arguments);
        let text = SEQUENCE.one(&arguments).unwrap_err().to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    };
    says(&|a| a[1] = tensor(&[6, 4, 3, 3], 1), &["conv_norm_act", "[6, 4, 3, 3]", "[4, 13, 15, 3]"]);
    says(&|a| a[3] = tensor(&[7], 1), &["conv_norm_act", "[7]"]);
    says(&|a| a[0] = tensor(&[4, 0, 15, 3], 1), &["conv_norm_act", "[4, 0, 15, 3]"]);
    let text = sequence_train(&tensor(&[1, 1, 1, 3], 1), &[]).unwrap_err().to_string();
    assert!(text.contains("no layers"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn it_equals_its_reference_over_random_shapes(
        images in (3usize..6, 7usize..20, 7usize..20),
        kernel in kernel(),
        stride in 1usize..3,
        padding in padding(),
        head in 1usize..40,
    ) {
        let images = [images.0, images.1, images.2];
        check(Sequence { images, kernel, stride, padding, head, activation: Activation::Swish });
    }
}
