//! The block of one operation against the same of separate ones, which have their own twins.

use candle_core::{Result, Tensor};
use effnet_ops::{
    Activation, ConvNorm, MbConv, Padding, SqueezeExcitation, batch_norm_train, depthwise_conv, dispatch,
    mb_conv_train, pointwise_conv, squeeze_excitation,
};

use crate::support::{assert_close, doubles, gradients, numbers, tensor};

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
}

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
        let attention = self.reduced.map(|_| SqueezeExcitation {
            reduce_weight: next(),
            reduce_bias: next(),
            expand_weight: next(),
            expand_bias: next(),
        });
        let Self { stride, padding, activation, .. } = self;
        f(
            &a[0],
            &MbConv { expansion, depthwise, attention, projection, stride, padding, eps: EPS, activation },
        )
    }

    fn one(self, a: &[Tensor]) -> Result<Tensor> {
        self.with(a, |x, block| Ok(mb_conv_train(x, block)?.0))
    }

    fn separate(self, a: &[Tensor]) -> Result<Tensor> {
        self.separate_with(a, |c, layer, activation| {
            Ok(batch_norm_train(c, layer.norm_weight, layer.norm_bias, EPS, activation)?.0)
        })
    }

    /// By separate operations and some batch norm.
    pub(crate) fn separate_with(
        self,
        a: &[Tensor],
        norm: impl Fn(&Tensor, &ConvNorm<'_>, Activation) -> Result<Tensor>,
    ) -> Result<Tensor> {
        self.with(a, |x, block| {
            let mut y = x.clone();
            if let Some(layer) = &block.expansion {
                y = norm(&pointwise_conv(&y, layer.weight)?, layer, block.activation)?;
            }
            let layer = &block.depthwise;
            y = depthwise_conv(&y, layer.weight, block.stride, block.padding)?;
            y = norm(&y, layer, block.activation)?;
            if let Some(parameters) = &block.attention {
                y = squeeze_excitation(&y, parameters)?;
            }
            norm(&pointwise_conv(&y, block.projection.weight)?, &block.projection, Activation::Identity)
        })
    }

    fn check(self) {
        let arguments = self.arguments();
        let exact = self.separate(&arguments).unwrap();
        let cotangent = numbers(exact.elem_count(), 99);
        let all = vec![true; arguments.len()];
        for level in dispatch::available() {
            dispatch::with_level(level, || {
                let what = format!("{self:?} at {}", level.name());
                assert_close(&what, &self.one(&arguments).unwrap(), &doubles(&exact), 1e-5);
                let got = gradients(&arguments, &all, &|a| self.one(a), &cotangent);
                let exact = gradients(&arguments, &all, &|a| self.separate(a), &cotangent);
                for (i, (got, exact)) in got.iter().zip(&exact).enumerate() {
                    let (got, exact) = (got.as_ref().unwrap(), exact.as_ref().unwrap());
                    assert_close(&format!("{what}: gradient {i}"), got, &doubles(exact), 2e-5);
                }
            })
            .unwrap();
        }
    }
}

#[test]
fn it_equals_separate_operations() {
    for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2), (1, 1)] {
        for padding in [Padding::Symmetric, Padding::Same] {
            Case { kernel, stride, padding, ..CASE }.check();
        }
    }
    Case { reduced: None, ..CASE }.check();
    Case { input: 20, ..CASE }.check();
    Case { reduced: None, input: 20, activation: Activation::Relu6, ..CASE }.check();
    Case { activation: Activation::Identity, ..CASE }.check();
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
fn its_statistics_are_those_of_the_convolutions() {
    let arguments = CASE.arguments();
    CASE.with(&arguments, |x, block| {
        let (_, got) = mb_conv_train(x, block).unwrap();
        let layer = block.expansion.unwrap();
        let c1 = pointwise_conv(x, layer.weight).unwrap();
        let (_, exact) =
            batch_norm_train(&c1, layer.norm_weight, layer.norm_bias, EPS, block.activation).unwrap();
        let got = got.expansion.unwrap();
        assert_eq!(got.count, exact.count);
        assert_close("mean", &got.mean, &doubles(&exact.mean), 1e-6);
        assert_close("variance", &got.var, &doubles(&exact.var), 1e-6);
    });
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let mut arguments = CASE.arguments();
    arguments[2] = tensor(&[19], 1);
    let text = CASE.one(&arguments).unwrap_err().to_string();
    assert!(
        text.contains("mb_conv_train") && text.contains("[19]") && text.contains("[3, 7, 6, 5]"),
        "{text}"
    );
}
