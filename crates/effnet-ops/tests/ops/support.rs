//! The comparison that every module makes, and the random shapes it is made over.

use candle_core::{DType, Device, Result, Tensor, Var};
use effnet_ops::{Padding, SqueezeExcitation, dispatch};
use proptest::prelude::*;

/// Numbers in [-1, 1) without a pattern that a kernel could share; equal for equal seeds.
pub(crate) fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

pub(crate) fn tensor(dims: &[usize], seed: u64) -> Tensor {
    Tensor::from_vec(numbers(dims.iter().product(), seed), dims, &Device::Cpu).unwrap()
}

pub(crate) fn singles(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

pub(crate) fn doubles(t: &Tensor) -> Vec<f64> {
    t.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// Equal to `tolerance` times the largest value (or 1).
pub(crate) fn assert_close(what: &str, got: &Tensor, exact: &[f64], tolerance: f64) {
    let got = doubles(got);
    assert_eq!(got.len(), exact.len(), "{what}: number of values");
    let scale = exact.iter().fold(1f64, |scale, x| scale.max(x.abs()));
    for (i, (got, exact)) in got.iter().zip(exact).enumerate() {
        let error = (got - exact).abs() / scale;
        assert!(error <= tolerance, "{what}: value {i} is {got}, not {exact}; off by {error:e} of {scale}");
    }
}

/// [N, H, W, C]: 1 to 5 small images of any ratio, with up to 50 channels, few of them whole vectors.
pub(crate) fn images() -> impl Strategy<Value = [usize; 4]> {
    (1usize..=5, 1usize..=12, 1usize..=12, 1usize..=50).prop_map(|(n, h, w, c)| [n, h, w, c])
}

/// A gate of its four parameters in their order.
pub(crate) fn gate(parameters: &[Tensor]) -> SqueezeExcitation<'_> {
    let [reduce_weight, reduce_bias, expand_weight, expand_bias] = parameters else {
        panic!("four parameters")
    };
    SqueezeExcitation { reduce_weight, reduce_bias, expand_weight, expand_bias }
}

/// The size of a kernel.
pub(crate) fn kernel() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1usize, 3, 5, 7])
}

/// The last two: what SAME takes at even sizes and at odd ones.
pub(crate) const PADDINGS: [Padding; 4] =
    [Padding::Symmetric, Padding::Same, Padding::Fixed(224), Padding::Fixed(7)];

pub(crate) fn padding() -> impl Strategy<Value = Padding> {
    prop::sample::select(PADDINGS.to_vec())
}

type Op<'a> = &'a dyn Fn(&[Tensor]) -> Result<Tensor>;
type Reference<'a> = &'a dyn Fn(&[Vec<f64>]) -> Vec<f64>;

/// Holds `op` against `reference` on every level, and by candle's operations: the result; the gradient of a weighted sum of the
/// result by each argument against central differences of the reference; the same gradients when only one
/// argument has one; and no graph where no argument has one.
pub(crate) fn check(what: &str, arguments: &[Tensor], op: Op<'_>, reference: Reference<'_>, tolerance: f64) {
    let exact_arguments: Vec<Vec<f64>> = arguments.iter().map(doubles).collect();
    let exact = reference(&exact_arguments);
    let cotangent = numbers(exact.len(), 99);
    let loss = |arguments: &[Vec<f64>]| -> f64 {
        reference(arguments).iter().zip(&cotangent).map(|(y, c)| y * f64::from(*c)).sum()
    };
    let slopes: Vec<Vec<(usize, f64)>> = (0..arguments.len())
        .map(|a| {
            samples(exact_arguments[a].len()).map(|i| (i, slope(&loss, &exact_arguments, a, i))).collect()
        })
        .collect();

    for way in Way::all(&arguments[0]) {
        let (what, arguments) = (format!("{what} by {way:?}"), &way.arguments(arguments));
        way.compute(|| {
            let plain = op(arguments).unwrap();
            assert!(!plain.track_op(), "{what}: a graph although nothing has a gradient");
            assert_close(&what, &plain, &exact, tolerance);
            let all: Vec<bool> = vec![true; arguments.len()];
            let alone = (0..arguments.len()).map(|a| (0..arguments.len()).map(|b| a == b).collect());
            for tracked in std::iter::once(all).chain(alone) {
                let gradients = gradients(arguments, &tracked, op, &cotangent);
                for (a, gradient) in gradients.iter().enumerate() {
                    let Some(gradient) = gradient else { continue };
                    assert_eq!(gradient.dims(), arguments[a].dims(), "{what}: gradient {a}'s shape");
                    let gradient = doubles(gradient);
                    let scale = slopes[a].iter().fold(1f64, |scale, (_, d)| scale.max(d.abs()));
                    for (i, exact) in &slopes[a] {
                        let error = (gradient[*i] - exact).abs() / scale;
                        let got = gradient[*i];
                        assert!(
                            error <= tolerance,
                            "{what}: gradient {a}[{i}] is {got}, not {exact} ({tracked:?})"
                        );
                    }
                }
            }
        });
    }
}

/// What computes an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// The kernels, compiled for a level of the processor.
    Level(dispatch::Level),
    /// candle's operations.
    Candle,
}

impl Way {
    /// All ways for an x. Large ones are there for the kernels, which cut them in pieces; candle's operations don't, and would
    /// take minutes for them.
    pub(crate) fn all(x: &Tensor) -> Vec<Self> {
        let candle = (x.elem_count() < 20_000).then_some(Self::Candle);
        dispatch::available().into_iter().map(Self::Level).chain(candle).collect()
    }

    /// The arguments in the type in which the way computes: f32, and f64 by candle, so that its formulas are held as closely as
    /// the kernels'.
    pub(crate) fn arguments(self, arguments: &[Tensor]) -> Vec<Tensor> {
        let dtype = match self {
            Self::Level(_) => DType::F32,
            Self::Candle => DType::F64,
        };
        arguments.iter().map(|argument| argument.to_dtype(dtype).unwrap()).collect()
    }

    pub(crate) fn compute<T>(self, f: impl FnOnce() -> T) -> T {
        match self {
            Self::Level(level) => dispatch::with_level(level, f).unwrap(),
            Self::Candle => effnet_ops::by_candle(f),
        }
    }
}

/// The gradients of sum(op(arguments) cotangent) by those arguments that are `tracked`.
pub(crate) fn gradients(
    arguments: &[Tensor],
    tracked: &[bool],
    op: Op<'_>,
    cotangent: &[f32],
) -> Vec<Option<Tensor>> {
    let variables: Vec<Var> =
        arguments.iter().map(|x| Var::from_tensor(&x.copy().unwrap()).unwrap()).collect();
    let inputs: Vec<Tensor> = variables
        .iter()
        .zip(tracked)
        .map(|(x, tracked)| if *tracked { x.as_tensor().clone() } else { x.as_detached_tensor() })
        .collect();
    let y = op(&inputs).unwrap();
    let cotangent = Tensor::from_slice(cotangent, y.shape(), &Device::Cpu).unwrap();
    let cotangent = cotangent.to_dtype(y.dtype()).unwrap();
    let store = y.mul(&cotangent).unwrap().sum_all().unwrap().backward().unwrap();
    variables
        .iter()
        .zip(tracked)
        .map(|(x, tracked)| {
            tracked.then(|| store.get(x).unwrap_or_else(|| panic!("no gradient of {:?}", x.dims())).clone())
        })
        .collect()
}

/// Up to 40 places spread over n.
fn samples(n: usize) -> impl Iterator<Item = usize> {
    let count = n.min(40);
    (0..count).map(move |i| i * n / count)
}

fn slope(loss: &dyn Fn(&[Vec<f64>]) -> f64, arguments: &[Vec<f64>], a: usize, i: usize) -> f64 {
    const STEP: f64 = 1e-5;
    let mut moved = arguments.to_vec();
    moved[a][i] = arguments[a][i] + STEP;
    let above = loss(&moved);
    moved[a][i] = arguments[a][i] - STEP;
    (above - loss(&moved)) / (2.0 * STEP)
}

/// sigmoid in f64, for the references.
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
