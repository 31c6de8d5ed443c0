//! The inverted residual block in training.

use candle_core::{Result, Tensor, Var};
use effnet_ops::{
    Activation, BatchStatistics, ConvNorm, DropPath, Layer, MbConv, Padding, add, backward, batch_norm_train,
    depthwise_conv, drop_path, pointwise_conv, sequence_train, squeeze_excitation,
};

use super::case::{Argument, Call, Case};
use super::networks::{STAGES, Scale, Stage};
use super::numbers::{doubles, tensor};
use super::slow::{self, Window};
use super::squeeze_excitation::{gate, shapes as shapes_of_gate};
use super::tolerance::Roundings;

/// A block's shapes and settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    pub(crate) images: [usize; 3],
    pub(crate) input: usize,
    pub(crate) hidden: usize,
    pub(crate) output: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: Padding,
    /// Channels within the gate.
    pub(crate) reduced: Option<usize>,
    pub(crate) activation: Activation,
    /// Whether there is a skip, and the rate of its drop path.
    pub(crate) skip: Option<f64>,
}

/// Of drop path: of the first three images it keeps two at a rate of 0.5.
const SEED: u64 = 1;

pub(crate) const EPS: f64 = 1e-3;

pub(crate) const BLOCK: Block = Block {
    images: [3, 7, 6],
    input: 5,
    hidden: 20,
    output: 6,
    kernel: 3,
    stride: 1,
    padding: Padding::Symmetric,
    reduced: Some(2),
    activation: Activation::Swish,
    skip: None,
};

impl Block {
    /// B0's, or without gates Lite0's.
    pub(super) fn of_stage(stage: Stage, scale: Scale, activation: Activation) -> Self {
        let Stage { input, hidden, output, kernel, stride, reduced, .. } = stage;
        let reduced = (activation == Activation::Swish).then_some(reduced);
        let skip = (input == output && stride == 1).then_some(0.2);
        let images = stage.images(scale);
        let padding = Padding::Same;
        Self { images, input, hidden, output, kernel, stride, padding, reduced, activation, skip }
    }

    pub(super) fn expands(self) -> bool {
        self.input != self.hidden
    }

    pub(super) fn what(self) -> String {
        let Self { images: [n, h, w], input, hidden, output, kernel, stride, padding, .. } = self;
        let gate = self.reduced.map_or_else(|| "no gate".to_owned(), |r| format!("gate {r}"));
        let skip = self.skip.map_or_else(String::new, |rate| format!(", skip {rate}"));
        let activation = self.activation;
        format!(
            "[{n}, {h}, {w}] {input}-{hidden}-{output}, {kernel}x{kernel}, stride {stride}, {padding:?}, {gate}, {activation:?}{skip}"
        )
    }

    fn window(self) -> Window {
        let Self { images: [n, h, w], hidden, kernel, stride, padding, .. } = self;
        Window { dims: [n, h, w, hidden], kernel, stride, padding }
    }

    pub(super) fn macs(self) -> usize {
        let [n, h, w] = self.images;
        let [ho, wo] = self.window().outputs();
        let expansion = if self.expands() { n * h * w * self.input * self.hidden } else { 0 };
        expansion + n * ho * wo * self.hidden * (self.kernel * self.kernel + self.output)
    }

    /// The shapes of the parameters: each convolution with its norm, then the gate's.
    pub(super) fn shapes(self) -> Vec<Vec<usize>> {
        let Self { input, hidden, output, kernel, .. } = self;
        let mut shapes: Vec<Vec<usize>> = vec![];
        if self.expands() {
            shapes.extend([vec![hidden, input, 1, 1], vec![hidden], vec![hidden]]);
        }
        shapes.extend([vec![hidden, 1, kernel, kernel], vec![hidden], vec![hidden]]);
        shapes.extend([vec![output, hidden, 1, 1], vec![output], vec![output]]);
        shapes.extend(self.reduced.into_iter().flat_map(|r| shapes_of_gate(hidden, r)));
        shapes
    }

    /// x, then the parameters.
    pub(super) fn made_from(self) -> Vec<Argument> {
        let [n, h, w] = self.images;
        let shapes = [vec![vec![n, h, w, self.input]], self.shapes()].concat();
        shapes.iter().zip(0..).map(|(dims, seed)| Argument::new(dims, seed)).collect()
    }

    /// In f32 on the CPU.
    pub(crate) fn arguments(self) -> Vec<Tensor> {
        self.case().tensors(candle_core::DType::F32, &candle_core::Device::Cpu).unwrap()
    }

    pub(crate) fn with<T>(self, a: &[Tensor], f: impl FnOnce(&Tensor, &MbConv<'_>) -> T) -> T {
        let mut rest = a[1..].iter();
        let mut next = || rest.next().unwrap();
        let mut layer = || ConvNorm { weight: next(), norm_weight: next(), norm_bias: next() };
        let expansion = self.expands().then(&mut layer);
        let (depthwise, projection) = (layer(), layer());
        let squeeze_excitation = self.reduced.map(|_| gate(&a[a.len() - 4..]));
        let Self { stride, padding, activation, .. } = self;
        let skip = self.skip.map(|rate| DropPath { rate, seed: SEED });
        let eps = EPS;
        f(
            &a[0],
            &MbConv {
                expansion,
                depthwise,
                squeeze_excitation,
                projection,
                stride,
                padding,
                eps,
                activation,
                skip,
            },
        )
    }

    /// As one operation.
    pub(crate) fn one(self, a: &[Tensor]) -> Result<Tensor> {
        Ok(self.one_with_statistics(a)?.0)
    }

    pub(crate) fn one_with_statistics(self, a: &[Tensor]) -> Result<(Tensor, Vec<BatchStatistics>)> {
        self.with(a, |x, block| sequence_train(x, &[Layer::MbConv(*block)]))
    }

    /// By separate operations, which have rows of their own.
    pub(crate) fn separate(self, a: &[Tensor]) -> Result<(Tensor, Vec<BatchStatistics>)> {
        let mut statistics = vec![];
        let mut norm = |c: Tensor, layer: &ConvNorm<'_>, activation| {
            let (y, of_batch) = batch_norm_train(&c, layer.norm_weight, layer.norm_bias, EPS, activation)?;
            statistics.push(of_batch);
            Ok::<_, candle_core::Error>(y)
        };
        let y = self.with(a, |x, block| {
            let mut y = x.clone();
            if let Some(layer) = &block.expansion {
                y = norm(pointwise_conv(&y, layer.weight)?, layer, self.activation)?;
            }
            let layer = &block.depthwise;
            y = norm(depthwise_conv(&y, layer.weight, self.stride, self.padding)?, layer, self.activation)?;
            if let Some(parameters) = &block.squeeze_excitation {
                y = squeeze_excitation(&y, parameters)?;
            }
            let layer = &block.projection;
            y = norm(pointwise_conv(&y, layer.weight)?, layer, Activation::Identity)?;
            match self.skip {
                Some(rate) => add(&drop_path(&y, rate, SEED)?, x),
                None => Ok(y),
            }
        })?;
        Ok((y, statistics))
    }

    /// The block without its skip; `norm` is given a convolution's result, the norm's parameters and the activation.
    pub(super) fn slow(
        self,
        a: &[Vec<f64>],
        mut norm: impl FnMut(Vec<f64>, [&[f64]; 2], Activation) -> Vec<f64>,
    ) -> Vec<f64> {
        let mut layers = a[1..].chunks_exact(3);
        let mut next = || layers.next().unwrap();
        let mut y = a[0].clone();
        if self.expands() {
            let [weight, norm_weight, norm_bias] = next() else { panic!("three parameters") };
            y = norm(slow::product(self.input, &y, weight), [norm_weight, norm_bias], self.activation);
        }
        let [weight, norm_weight, norm_bias] = next() else { panic!("three parameters") };
        y = norm(self.window().depthwise(&y, weight), [norm_weight, norm_bias], self.activation);
        if self.reduced.is_some() {
            let [h, w] = self.window().outputs();
            let gate = a.len() - 4;
            y = slow::squeeze_excitation([self.images[0], h, w, self.hidden], &y, &a[gate..]);
        }
        let [weight, norm_weight, norm_bias] = next() else { panic!("three parameters") };
        norm(slow::product(self.hidden, &y, weight), [norm_weight, norm_bias], Activation::Identity)
    }

    /// y, then mean and variance of each norm.
    pub(super) fn slow_train(self, a: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut of_norms = vec![];
        let mut y = self.slow(a, |c, parameters, activation| {
            let [mean, var] = slow::statistics(&c, parameters[0].len());
            let y = slow::batch_norm(&c, parameters, [&mean, &var], EPS, activation);
            of_norms.extend([mean, var]);
            y
        });
        if let Some(rate) = self.skip {
            let ones = tensor(&[self.images[0], 1], 0).ones_like().unwrap();
            let mask = doubles(&drop_path(&ones, rate, SEED).unwrap());
            let image = y.len() / mask.len();
            y = y.iter().enumerate().map(|(i, y)| y * mask[i / image]).collect();
            y = slow::sum(&y, &a[0]);
        }
        [vec![y], of_norms].concat()
    }

    /// Results: y, then mean and variance of each norm.
    pub(crate) fn case(self) -> Case {
        Case::with_results(
            "MbConv",
            self.what(),
            self.made_from(),
            move |a| Ok(results(self.one_with_statistics(a)?)),
            move |a| self.slow_train(a),
        )
        .macs(self.macs())
        // The gradient of a norm's bias is what is left of a sum that the next norm makes nearly zero: hundreds of values of order 1 with an
        // error each. The worst that was seen was 315 units off, by the portable kernels on aarch64.
        .roundings(Roundings { values: 80, gradients: 640, others: 32 })
    }

    /// The gradients of all arguments by [`backward`] as results.
    fn backward_case(self) -> Case {
        let prepare = move |a: &[Tensor]| -> Result<Call> {
            let variables = a.iter().map(|x| Var::from_tensor(&x.copy()?)).collect::<Result<Vec<_>>>()?;
            Ok(Box::new(move || {
                let a: Vec<Tensor> = variables.iter().map(|x| x.as_tensor().clone()).collect();
                let store = backward(&self.one(&a)?.sqr()?.sum_all()?)?;
                let found = variables.iter().map(|x| store.get(x).map(Tensor::detach));
                found.collect::<Option<_>>().ok_or_else(|| candle_core::Error::msg("a gradient is missing"))
            }))
        };
        let loss = move |a: &[Vec<f64>]| self.slow_train(a)[0].iter().map(|y| y * y).sum::<f64>();
        let reference = move |a: &[Vec<f64>]| {
            const STEP: f64 = 1e-5;
            let moved = |k: usize, i: usize, step: f64| {
                let mut a = a.to_vec();
                a[k][i] += step;
                loss(&a)
            };
            let slope = |k: usize, i: usize| (moved(k, i, STEP) - moved(k, i, -STEP)) / (2.0 * STEP);
            (0..a.len()).map(|k| (0..a[k].len()).map(|i| slope(k, i)).collect()).collect()
        };
        Case::prepared("backward", self.what(), self.made_from(), prepare, reference)
            .by_differences()
            .macs(3 * self.macs())
            .roundings(Roundings::of_values(160))
    }
}

/// y, then mean and variance of each norm.
pub(crate) fn results((y, statistics): (Tensor, Vec<BatchStatistics>)) -> Vec<Tensor> {
    let statistics = statistics.into_iter().flat_map(|of_norm| [of_norm.mean, of_norm.var]);
    std::iter::once(y).chain(statistics).collect()
}

pub(super) fn rows() -> Vec<Case> {
    let small = Block { images: [2, 4, 5], input: 3, hidden: 7, output: 4, ..BLOCK };
    let mut blocks = vec![
        BLOCK,
        Block { kernel: 5, stride: 2, padding: Padding::Same, ..small },
        Block { input: 7, reduced: None, activation: Activation::Relu6, ..small },
        Block { output: 3, skip: Some(0.5), padding: Padding::Fixed(7), ..small },
        Block { images: [1, 9, 7], hidden: 17, ..small },
    ];
    for scale in Scale::ALL {
        blocks.extend(STAGES.map(|stage| Block::of_stage(stage, scale, Activation::Swish)));
        blocks.push(Block::of_stage(STAGES[3], scale, Activation::Relu6));
    }
    let backward = [small, Block { output: 3, skip: Some(0.5), ..small }];
    blocks.into_iter().map(Block::case).chain(backward.map(Block::backward_case)).collect()
}
