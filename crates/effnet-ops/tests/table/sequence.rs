//! A convolution with norm and activation, and layers in a row as one operation.

use candle_core::{Result, Tensor};
use effnet_ops::{Activation, BatchStatistics, ConvNorm, ConvNormAct, Layer, Padding, sequence_train};

use super::block::{BLOCK, Block, EPS, results};
use super::case::{Argument, Case};
use super::networks::{FEATURES, STEM, Scale, head, stem};
use super::slow::{self, Window};
use super::tolerance::Roundings;

/// A stem or a head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conv {
    pub(crate) window: Window,
    pub(crate) output: usize,
    pub(crate) activation: Activation,
}

impl Conv {
    pub(super) fn what(self) -> String {
        let Self { window: Window { dims, kernel, stride, padding }, output, activation } = self;
        format!("{dims:?} to {output}, {kernel}x{kernel}, stride {stride}, {padding:?}, {activation:?}")
    }

    pub(super) fn macs(self) -> usize {
        let Window { dims: [n, _, _, c], kernel, .. } = self.window;
        let [h, w] = self.window.outputs();
        n * h * w * c * kernel * kernel * self.output
    }

    pub(super) fn made_from(self) -> Vec<Argument> {
        let Self { window: Window { dims, kernel, .. }, output, .. } = self;
        let shapes = [&dims[..], &[output, dims[3], kernel, kernel], &[output], &[output]];
        shapes.iter().zip(60..).map(|(dims, seed)| Argument::new(dims, seed)).collect()
    }

    /// The parameters are weight, norm's weight and norm's bias.
    fn layer<'a>(&self, parameters: &'a [Tensor]) -> Layer<'a> {
        let [weight, norm_weight, norm_bias] = parameters else { panic!("three parameters") };
        let conv = ConvNorm { weight, norm_weight, norm_bias };
        let (Self { activation, .. }, Window { stride, padding, .. }) = (*self, self.window);
        Layer::ConvNormAct(ConvNormAct { conv, stride, padding, eps: EPS, activation })
    }

    /// y, mean and variance.
    fn slow(self, x: &[f64], parameters: &[Vec<f64>]) -> [Vec<f64>; 3] {
        let c = self.window.conv2d(self.output, x, &parameters[0]);
        let [mean, var] = slow::statistics(&c, self.output);
        let norm = [&*parameters[1], &*parameters[2]];
        let y = slow::batch_norm(&c, norm, [&mean, &var], EPS, self.activation);
        [y, mean, var]
    }

    pub(crate) fn case(self) -> Case {
        Case::with_results(
            "ConvNormAct",
            self.what(),
            self.made_from(),
            move |a| Ok(results(sequence_train(&a[0], &[self.layer(&a[1..])])?)),
            move |a| self.slow(&a[0], &a[1..]).to_vec(),
        )
        .macs(self.macs())
        .roundings(Roundings { values: 80, gradients: 160, others: 32 })
    }
}

/// k x k, from 3 channels to those of the first block; two blocks; pointwise to `head` channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sequence {
    pub(crate) images: [usize; 3],
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: Padding,
    pub(crate) head: usize,
    pub(crate) activation: Activation,
}

pub(crate) const SEQUENCE: Sequence = Sequence {
    images: [4, 13, 15],
    kernel: 3,
    stride: 2,
    padding: Padding::Symmetric,
    head: 17,
    activation: Activation::Swish,
};

const WIDTH: usize = 6;

impl Sequence {
    fn stem(self) -> Conv {
        let Self { images: [n, h, w], kernel, stride, padding, activation, .. } = self;
        let window = Window { dims: [n, h, w, 3], kernel, stride, padding };
        Conv { window, output: WIDTH, activation }
    }

    /// Both with a skip.
    fn blocks(self) -> [Block; 2] {
        let [h, w] = self.stem().window.outputs();
        let images = [self.images[0], h, w];
        let block = Block { images, input: WIDTH, hidden: 12, output: WIDTH, skip: Some(0.0), ..BLOCK };
        [block, Block { kernel: 5, reduced: None, skip: Some(0.4), ..block }]
    }

    fn head(self) -> Conv {
        let [_, Block { images: [n, h, w], .. }] = self.blocks();
        let Self { padding, activation, .. } = self;
        let window = Window { dims: [n, h, w, WIDTH], kernel: 1, stride: 1, padding };
        Conv { window, output: self.head, activation }
    }

    /// The images, then the parameters of each layer.
    fn made_from(self) -> Vec<Argument> {
        let [n, h, w] = self.images;
        let stem = vec![vec![WIDTH, 3, self.kernel, self.kernel], vec![WIDTH], vec![WIDTH]];
        let [first, second] = self.blocks().map(Block::shapes);
        let head = vec![vec![self.head, WIDTH, 1, 1], vec![self.head], vec![self.head]];
        let shapes = [vec![vec![n, h, w, 3]], stem, first, second, head].concat();
        shapes.iter().zip(70..).map(|(dims, seed)| Argument::new(dims, seed)).collect()
    }

    /// In f32 on the CPU.
    pub(crate) fn arguments(self) -> Vec<Tensor> {
        self.case().tensors(candle_core::DType::F32, &candle_core::Device::Cpu).unwrap()
    }

    /// Each layer's parameters.
    fn of_layers<T>(self, a: &[T]) -> [&[T]; 4] {
        let [first, second] = self.blocks().map(|block| block.shapes().len());
        let (stem, rest) = a[1..].split_at(3);
        let (first, rest) = rest.split_at(first);
        let (second, head) = rest.split_at(second);
        [stem, first, second, head]
    }

    /// As one operation.
    pub(crate) fn one(self, a: &[Tensor]) -> Result<(Tensor, Vec<BatchStatistics>)> {
        let [stem, first, second, head] = self.of_layers(a);
        let (stem, head) = (self.stem().layer(stem), self.head().layer(head));
        let [first_block, second_block] = self.blocks();
        // `with` takes a block's input in front of its parameters.
        let [first, second] = [first, second].map(|own| [&a[..1], own].concat());
        first_block.with(&first, |_, first| {
            second_block.with(&second, |_, second| {
                sequence_train(&a[0], &[stem, Layer::MbConv(*first), Layer::MbConv(*second), head])
            })
        })
    }

    fn slow(self, a: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let [stem, first, second, head] = self.of_layers(a);
        let [mut x, mean, var] = self.stem().slow(&a[0], stem);
        let mut of_norms = vec![mean, var];
        for (block, own) in self.blocks().into_iter().zip([first, second]) {
            let mut found = block.slow_train(&[&[x], own].concat()).into_iter();
            x = found.next().unwrap();
            of_norms.extend(found);
        }
        let [y, mean, var] = self.head().slow(&x, head);
        of_norms.extend([mean, var]);
        [vec![y], of_norms].concat()
    }

    pub(crate) fn case(self) -> Case {
        let Self { images, kernel, stride, padding, head, activation } = self;
        let blocks: usize = self.blocks().map(Block::macs).iter().sum();
        Case::with_results(
            "sequence_train",
            format!(
                "{images:?}, {kernel}x{kernel}, stride {stride}, {padding:?}, head {head}, {activation:?}"
            ),
            self.made_from(),
            move |a| Ok(results(self.one(a)?)),
            move |a| self.slow(a),
        )
        .macs(self.stem().macs() + blocks + self.head().macs())
        .roundings(Roundings { values: 160, gradients: 400, others: 32 })
    }
}

pub(super) fn rows() -> Vec<Case> {
    let conv = |dims, kernel, stride, padding, output, activation| Conv {
        window: Window { dims, kernel, stride, padding },
        output,
        activation,
    };
    let mut layers = vec![
        conv([2, 9, 7, 3], 3, 2, Padding::Same, 10, Activation::Swish),
        conv([3, 4, 5, 5], 1, 1, Padding::Symmetric, 17, Activation::Relu6),
        conv([2, 6, 5, 3], 1, 2, Padding::Same, 4, Activation::Identity),
    ];
    for scale in Scale::ALL {
        let of_stem = Conv { window: stem(scale), output: STEM, activation: Activation::Swish };
        layers.extend([of_stem, Conv { activation: Activation::Relu6, ..of_stem }]);
        layers.push(conv(head(scale), 1, 1, Padding::Same, FEATURES, Activation::Swish));
    }
    let sequences = [
        SEQUENCE,
        Sequence { images: [2, 5, 7], head: 5, ..SEQUENCE },
        Sequence { images: [4, 32, 32], head: 40, padding: Padding::Same, ..SEQUENCE },
    ];
    layers.into_iter().map(Conv::case).chain(sequences.map(Sequence::case)).collect()
}
