//! The block of one operation against the same of separate ones, which have their own references.

use candle_core::{Result, Tensor};
use effnet_ops::{
    Activation, BatchStatistics, ConvNorm, DropPath, Layer, MbConv, Padding, SqueezeExcitation, add,
    batch_norm_train, depthwise_conv, drop_path, pointwise_conv, sequence_train, squeeze_excitation,
};
use proptest::prelude::*;

use crate::support::{PADDINGS, Way, assert_close, doubles, gradients, kernel, numbers, padding, tensor};

/// A block's shapes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) images: [usize; 3],
    pub(crate) input: usize,
    pub(crate) hidden: usize,
    pub(crate) output: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: Padding,
    /// Channels of the gate in between.
    pub(crate) reduced: Option<usize>,
    pub(crate) activation: Activation,
    /// Whether there is a skip, and the rate of its drop path.
    pub(crate) skip: Option<f64>,
}

/// Of drop path: of the first three images it keeps two at a rate of 0.5.
const SEED: u64 = 1;

pub(crate) const EPS: f64 = 1e-3;

pub(crate) const CASE: Case = Case {
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

impl Case {
    fn expands(self) -> bool {
        self.input != self.hidden
    }

    /// x, then the parameters.
    pub(crate) fn arguments(self) -> Vec<Tensor> {
        let Self { images: [n, h, w], input, hidden, output, kernel, .. } = self;
        let mut shapes: Vec<Vec<usize>> = vec![vec![n, h, w, input]];
        if self.expands() {
            shapes.extend([vec![hidden, input, 1, 1], vec![hidden], vec![hidden]]);
        }
        shapes.extend([vec![hidden, 1, kernel, kernel], vec![hidden], vec![hidden]]);
        shapes.extend([vec![output, hidden, 1, 1], vec![output], vec![output]]);
        if let Some(r) = self.reduced {
            shapes.extend([vec![r, hidden, 1, 1], vec![r], vec![hidden, r, 1, 1], vec![hidden]]);
        }
        shapes.iter().enumerate().map(|(i, dims)| tensor(dims, i as u64)).collect()
    }

    pub(crate) fn with<T>(self, a: &[Tensor], f: impl FnOnce(&Tensor, &MbConv<'_>) -> T) -> T {
        let mut rest = a[1..].iter();
        let mut next = || rest.next().unwrap();
        let mut layer = || ConvNorm { weight: next(), norm_weight: next(), norm_bias: next() };
        let expansion = self.expands().then(&mut layer);
        let (depthwise, projection) = (layer(), layer());
        let squeeze_excitation = self.reduced.map(|_| SqueezeExcitation {
            reduce_weight: next(),
            reduce_bias: next(),
            expand_weight: next(),
            expand_bias: next(),
        });
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

    pub(crate) fn one(self, a: &[Tensor]) -> Result<Tensor> {
        Ok(self.one_with_statistics(a)?.0)
    }

    pub(crate) fn one_with_statistics(self, a: &[Tensor]) -> Result<(Tensor, Vec<BatchStatistics>)> {
        self.with(a, |x, block| sequence_train(x, &[Layer::MbConv(*block)]))
    }

    fn separate(self, a: &[Tensor]) -> Result<Tensor> {
        Ok(self.separate_with_statistics(a)?.0)
    }

    pub(crate) fn separate_with_statistics(self, a: &[Tensor]) -> Result<(Tensor, Vec<BatchStatistics>)> {
        let mut statistics = vec![];
        let y = self.separate_with(a, |c, layer, activation| {
            let (y, batch) = batch_norm_train(c, layer.norm_weight, layer.norm_bias, EPS, activation)?;
            statistics.push(batch);
            Ok(y)
        })?;
        let y = match self.skip {
            Some(rate) => add(&drop_path(&y, rate, SEED)?, &a[0])?,
            None => y,
        };
        Ok((y, statistics))
    }

    /// By separate operations and some batch norm, without the skip.
    pub(crate) fn separate_with(
        self,
        a: &[Tensor],
        mut norm: impl FnMut(&Tensor, &ConvNorm<'_>, Activation) -> Result<Tensor>,
    ) -> Result<Tensor> {
        self.with(a, |x, block| {
            let mut y = x.clone();
            if let Some(layer) = &block.expansion {
                y = norm(&pointwise_conv(&y, layer.weight)?, layer, block.activation)?;
            }
            let layer = &block.depthwise;
            y = depthwise_conv(&y, layer.weight, block.stride, block.padding)?;
            y = norm(&y, layer, block.activation)?;
            if let Some(parameters) = &block.squeeze_excitation {
                y = squeeze_excitation(&y, parameters)?;
            }
            norm(&pointwise_conv(&y, block.projection.weight)?, &block.projection, Activation::Identity)
        })
    }

    fn check(self) {
        let arguments = self.arguments();
        let all = vec![true; arguments.len()];
        for way in Way::all(&arguments[0]) {
            let (what, arguments) = (format!("{self:?} by {way:?}"), way.arguments(&arguments));
            way.compute(|| {
                let (exact, statistics) = self.separate_with_statistics(&arguments).unwrap();
                let (got, got_statistics) = self.one_with_statistics(&arguments).unwrap();
                assert_close(&what, &got, &doubles(&exact), 1e-5);
                assert_statistics(&what, &got_statistics, &statistics);
                let cotangent = numbers(exact.elem_count(), 99);
                let got = gradients(&arguments, &all, &|a| self.one(a), &cotangent);
                let exact = gradients(&arguments, &all, &|a| self.separate(a), &cotangent);
                for (i, (got, exact)) in got.iter().zip(&exact).enumerate() {
                    let (got, exact) = (got.as_ref().unwrap(), exact.as_ref().unwrap());
                    assert_close(&format!("{what}: gradient {i}"), got, &doubles(exact), 2e-5);
                }
            });
        }
    }
}

pub(crate) fn assert_statistics(what: &str, got: &[BatchStatistics], exact: &[BatchStatistics]) {
    assert_eq!(got.len(), exact.len(), "{what}: number of norms");
    for (i, (got, exact)) in got.iter().zip(exact).enumerate() {
        assert_eq!(got.count, exact.count, "{what}: count of norm {i}");
        assert_close(&format!("{what}: mean of norm {i}"), &got.mean, &doubles(&exact.mean), 2e-6);
        assert_close(&format!("{what}: variance of norm {i}"), &got.var, &doubles(&exact.var), 2e-6);
    }
}

#[test]
fn it_equals_separate_operations() {
    for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2), (1, 1)] {
        for padding in PADDINGS {
            Case { kernel, stride, padding, ..CASE }.check();
        }
    }
    Case { reduced: None, ..CASE }.check();
    Case { input: 20, ..CASE }.check();
    Case { reduced: None, input: 20, activation: Activation::Relu6, ..CASE }.check();
    Case { activation: Activation::Identity, ..CASE }.check();
    for rate in [0.0, 0.5] {
        Case { output: 5, skip: Some(rate), ..CASE }.check();
        Case { input: 20, output: 20, skip: Some(rate), ..CASE }.check();
    }
}

#[test]
fn it_equals_separate_operations_on_images_of_one_pixel_and_large_ones() {
    Case { images: [40, 1, 1], hidden: 72, ..CASE }.check();
    Case { images: [2, 61, 43], kernel: 5, hidden: 40, ..CASE }.check();
    Case { images: [9, 33, 35], stride: 2, hidden: 33, output: 17, ..CASE }.check();
    // Enough large images that each is a task of its own.
    Case { images: [9, 41, 39], hidden: 24, ..CASE }.check();
    Case { images: [17, 61, 63], kernel: 5, stride: 2, hidden: 36, padding: Padding::Same, ..CASE }.check();
    Case { images: [8, 41, 39], input: 24, hidden: 24, ..CASE }.check();
    Case { images: [9, 41, 39], output: 5, skip: Some(0.3), ..CASE }.check();
}

#[test]
fn a_gradient_that_nobody_waits_for_is_not_made() {
    let arguments = CASE.arguments();
    let cotangent = numbers(CASE.one(&arguments).unwrap().elem_count(), 99);
    let all = gradients(&arguments, &vec![true; arguments.len()], &|a| CASE.one(a), &cotangent);
    for alone in 0..arguments.len() {
        let tracked: Vec<bool> = (0..arguments.len()).map(|i| i == alone).collect();
        let got = gradients(&arguments, &tracked, &|a| CASE.one(a), &cotangent);
        let exact = doubles(all[alone].as_ref().unwrap());
        assert_close(&format!("gradient {alone} alone"), got[alone].as_ref().unwrap(), &exact, 0.0);
        assert_eq!(got.iter().filter(|gradient| gradient.is_some()).count(), 1);
    }
    assert!(!CASE.one(&arguments).unwrap().track_op(), "no graph where nothing has a gradient");
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let mut arguments = CASE.arguments();
    arguments[2] = tensor(&[19], 1);
    let text = CASE.one(&arguments).unwrap_err().to_string();
    assert!(text.contains("mb_conv") && text.contains("[19]") && text.contains("[3, 7, 6, 5]"), "{text}");
    // A skip adds tensors of one shape.
    for case in [Case { skip: Some(0.0), ..CASE }, Case { output: 5, stride: 2, skip: Some(0.0), ..CASE }] {
        let text = case.one(&case.arguments()).unwrap_err().to_string();
        assert!(text.contains("skip"), "{text}");
    }
    let rate = Case { output: 5, skip: Some(1.0), ..CASE };
    assert!(rate.one(&rate.arguments()).unwrap_err().to_string().contains("rate"));
}

/// Blocks with and without expansion and gate. At least 32 rows after the stride: of a few rows a variance can be near 0,
/// and what is divided by it mostly rounding.
pub(crate) fn blocks(
    images: impl Strategy<Value = usize>,
    side: std::ops::Range<usize>,
    channels: std::ops::Range<usize>,
) -> impl Strategy<Value = Case> {
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
            Case { images, input, hidden, output, kernel, stride, padding, reduced, activation, skip }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]
    #[test]
    fn it_equals_separate_operations_over_random_shapes(case in blocks(1usize..=5, 1..14, 1..50)) {
        case.check();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn it_equals_separate_operations_over_random_large_shapes(case in blocks(8usize..=11, 30..40, 40..56)) {
        case.check();
    }
}
