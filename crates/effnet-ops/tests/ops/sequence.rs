//! A stem, blocks and a head as one operation against the same of separate ones, which have their own references.

use candle_core::{Result, Tensor};
use effnet_ops::{
    Activation, BatchStatistics, ConvNorm, ConvNormAct, Layer, Padding, batch_norm_train, conv2d,
    pointwise_conv, sequence_train,
};
use proptest::prelude::*;

use crate::mb_conv::{CASE, Case, EPS, assert_statistics};
use crate::support::{PADDINGS, Way, assert_close, doubles, gradients, kernel, numbers, padding, tensor};

/// k x k, from 3 channels to those of the first block; two blocks; pointwise to `head` channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    pub(crate) images: [usize; 3],
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: Padding,
    pub(crate) head: usize,
    pub(crate) activation: Activation,
}

pub(crate) const BODY: Body = Body {
    images: [4, 13, 15],
    kernel: 3,
    stride: 2,
    padding: Padding::Symmetric,
    head: 17,
    activation: Activation::Swish,
};

const WIDTH: usize = 6;

impl Body {
    /// Both with a skip.
    fn blocks(self) -> [Case; 2] {
        let block = Case { input: WIDTH, hidden: 12, output: WIDTH, skip: Some(0.0), ..CASE };
        [block, Case { kernel: 5, reduced: None, skip: Some(0.4), ..block }]
    }

    /// The images, then the parameters of each layer.
    pub(crate) fn arguments(self) -> Vec<Tensor> {
        let [n, h, w] = self.images;
        let mut all = vec![tensor(&[n, h, w, 3], 70)];
        let layer = |dims: &[usize], seed: u64| {
            let channels = [dims[0]];
            [tensor(dims, seed), tensor(&channels, seed + 1), tensor(&channels, seed + 2)]
        };
        all.extend(layer(&[WIDTH, 3, self.kernel, self.kernel], 80));
        all.extend(self.blocks().into_iter().flat_map(|block| block.arguments().split_off(1)));
        all.extend(layer(&[self.head, WIDTH, 1, 1], 90));
        all
    }

    /// As one operation.
    pub(crate) fn one(self, a: &[Tensor]) -> Result<(Tensor, Vec<BatchStatistics>)> {
        let [stem, first, second, head] = self.of_layers(a);
        let (stem, head) = (self.conv(stem, self.stride), self.conv(head, 1));
        let [first_block, second_block] = self.blocks();
        // `with` takes a block's input in front of its parameters.
        let [first, second] = [first, second].map(|own| [&a[..1], own].concat());
        first_block.with(&first, |_, first| {
            second_block.with(&second, |_, second| {
                let blocks = [Layer::MbConv(*first), Layer::MbConv(*second)];
                let [stem, head] = [stem, head].map(Layer::ConvNormAct);
                sequence_train(&a[0], &[stem, blocks[0], blocks[1], head])
            })
        })
    }

    /// Layer by layer: a convolution and its norm each an operation, and the blocks as their own tests have them.
    fn separate(self, a: &[Tensor]) -> Result<(Tensor, Vec<BatchStatistics>)> {
        let [stem, first, second, head] = self.of_layers(a);
        let c = conv2d(&a[0], &stem[0], self.stride, self.padding)?;
        let (mut x, batch) = batch_norm_train(&c, &stem[1], &stem[2], EPS, self.activation)?;
        let mut statistics = vec![batch];
        for (block, own) in self.blocks().into_iter().zip([first, second]) {
            let (y, of_block) = block.separate_with_statistics(&[&[x], own].concat())?;
            x = y;
            statistics.extend(of_block);
        }
        let c = pointwise_conv(&x, &head[0])?;
        let (y, batch) = batch_norm_train(&c, &head[1], &head[2], EPS, self.activation)?;
        statistics.push(batch);
        Ok((y, statistics))
    }

    fn conv(self, a: &[Tensor], stride: usize) -> ConvNormAct<'_> {
        let conv = ConvNorm { weight: &a[0], norm_weight: &a[1], norm_bias: &a[2] };
        ConvNormAct { conv, stride, padding: self.padding, eps: EPS, activation: self.activation }
    }

    /// Each layer's parameters.
    fn of_layers(self, a: &[Tensor]) -> [&[Tensor]; 4] {
        let [first, second] = self.blocks().map(|block| block.arguments().len() - 1);
        let (stem, rest) = a[1..].split_at(3);
        let (first, rest) = rest.split_at(first);
        let (second, head) = rest.split_at(second);
        [stem, first, second, head]
    }

    fn check(self) {
        let arguments = self.arguments();
        let all = vec![true; arguments.len()];
        for way in Way::all(&arguments[0]) {
            let (what, arguments) = (format!("{self:?} by {way:?}"), way.arguments(&arguments));
            way.compute(|| {
                let (exact, statistics) = self.separate(&arguments).unwrap();
                let (got, got_statistics) = self.one(&arguments).unwrap();
                assert_close(&what, &got, &doubles(&exact), 2e-5);
                assert_statistics(&what, &got_statistics, &statistics);
                let cotangent = numbers(exact.elem_count(), 99);
                let got = gradients(&arguments, &all, &|a| Ok(self.one(a)?.0), &cotangent);
                let exact = gradients(&arguments, &all, &|a| Ok(self.separate(a)?.0), &cotangent);
                for (i, (got, exact)) in got.iter().zip(&exact).enumerate() {
                    let (got, exact) = (got.as_ref().unwrap(), exact.as_ref().unwrap());
                    assert_close(&format!("{what}: gradient {i}"), got, &doubles(exact), 5e-5);
                }
            });
        }
    }
}

#[test]
fn it_equals_its_layers() {
    for (kernel, stride) in [(3, 1), (3, 2), (5, 2), (1, 1), (1, 2)] {
        for padding in PADDINGS {
            Body { kernel, stride, padding, ..BODY }.check();
        }
    }
    Body { activation: Activation::Relu6, ..BODY }.check();
    // Enough pixels that products are cut in blocks.
    Body { images: [9, 41, 43], ..BODY }.check();
}

#[test]
fn a_gradient_that_nobody_waits_for_is_not_made() {
    let arguments = BODY.arguments();
    let cotangent = numbers(BODY.one(&arguments).unwrap().0.elem_count(), 99);
    let all = gradients(&arguments, &vec![true; arguments.len()], &|a| Ok(BODY.one(a)?.0), &cotangent);
    for alone in 0..arguments.len() {
        let tracked: Vec<bool> = (0..arguments.len()).map(|i| i == alone).collect();
        let got = gradients(&arguments, &tracked, &|a| Ok(BODY.one(a)?.0), &cotangent);
        let exact = doubles(all[alone].as_ref().unwrap());
        assert_close(&format!("gradient {alone} alone"), got[alone].as_ref().unwrap(), &exact, 0.0);
    }
    assert!(!BODY.one(&arguments).unwrap().0.track_op(), "no graph where nothing has a gradient");
}

#[test]
fn what_does_not_fit_is_named() {
    let says = |change: &dyn Fn(&mut Vec<Tensor>), words: &[&str]| {
        let mut arguments = BODY.arguments();
        change(&mut arguments);
        let text = BODY.one(&arguments).unwrap_err().to_string();
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
    fn it_equals_its_layers_over_random_shapes(
        images in (3usize..6, 7usize..20, 7usize..20),
        kernel in kernel(),
        stride in 1usize..3,
        padding in padding(),
        head in 1usize..40,
    ) {
        let images = [images.0, images.1, images.2];
        Body { images, kernel, stride, padding, head, activation: Activation::Swish }.check();
    }
}
