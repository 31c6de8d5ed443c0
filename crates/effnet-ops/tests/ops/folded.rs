//! What evaluation makes ready once.

use candle_core::{DType, Device, Tensor};
use effnet_ops::{Activation, ConvNorm, Folded, FoldedConv, FoldedMbConv, Padding};

use crate::support::{PADDINGS, assert_holds, tensor};
use crate::table::block::{BLOCK, Block, EPS};
use crate::table::folded;
use crate::table::sequence::Conv;
use crate::table::slow::Window;

/// The block of a case's arguments, which it returns with them.
fn made_ready(block: Block) -> candle_core::Result<(FoldedMbConv, Vec<Tensor>)> {
    let arguments = folded::block(block).tensors(DType::F32, &Device::Cpu)?;
    Ok((folded::made_ready(block, &arguments)?, arguments))
}

fn check(block: Block, skip: bool) {
    assert_holds(&folded::block(Block { skip: skip.then_some(0.0), ..block }));
}

#[test]
fn a_block_equals_its_reference() {
    for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2), (1, 1), (7, 3)] {
        for padding in PADDINGS {
            check(Block { kernel, stride, padding, ..BLOCK }, false);
        }
    }
    check(Block { reduced: None, ..BLOCK }, false);
    check(Block { input: 20, ..BLOCK }, false);
    check(Block { reduced: None, input: 20, activation: Activation::Relu6, ..BLOCK }, false);
    check(Block { output: 5, ..BLOCK }, true);
    check(Block { input: 20, output: 20, ..BLOCK }, true);
}

#[test]
fn a_block_in_many_tiles_equals_its_reference() {
    // More channels than a tile, and more rows than stay in the cache.
    for stride in [1, 2] {
        let block = Block { images: [2, 41, 113], hidden: 100, kernel: 5, stride, ..BLOCK };
        check(block, false);
        check(Block { padding: Padding::Same, input: 100, ..block }, false);
    }
}

#[test]
fn a_convolution_equals_its_reference() {
    for (kernel, stride) in [(3, 2), (5, 1), (1, 1), (1, 2)] {
        for padding in PADDINGS {
            let window = Window { dims: [3, 15, 14, 3], kernel, stride, padding };
            assert_holds(&folded::conv(Conv { window, output: 21, activation: Activation::Swish }));
        }
    }
}

#[test]
fn an_image_has_the_same_bits_alone_and_for_any_number_of_threads() {
    let block = Block { images: [5, 29, 33], hidden: 100, output: 5, skip: Some(0.0), ..BLOCK };
    let (block, arguments) = made_ready(block).unwrap();
    let x = &arguments[0];
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
    let skip = Some(0.0);
    assert!(made_ready(Block { skip, ..BLOCK }).unwrap_err().to_string().contains("skip"));
    assert!(made_ready(Block { stride: 2, output: 5, skip, ..BLOCK }).is_err());
    let (block, _) = made_ready(BLOCK).unwrap();
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
