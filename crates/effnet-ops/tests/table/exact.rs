//! What a case must give: the slow twin's results, and the gradients of a weighted sum of the first of them.
//!
//! The slow twin's gradients are its central differences, at some places of each argument. Where that would take long, candle's
//! form in f64 on the CPU gives gradients, at all places; and where even one pass of the slow twin would take long, candle's form
//! gives the results too. It is held against the slow twin itself, in the cases that are small enough.

use candle_core::{DType, Device, Result, Tensor, Var};

use super::case::Case;
use super::numbers::{doubles, numbers};

/// Multiply-accumulates, or values read, of one pass of a slow twin.
const LONG: usize = 1_000_000;
/// The same of all passes that central differences take: a tenth of a second.
const LONG_DIFFERENCES: usize = 8_000_000;
/// Places of an argument at which differences are taken.
const PLACES: usize = 40;
/// Of differences of the fourth order: what they leave out goes with its fourth power. A longer one would cross the corners of ReLU6 more
/// often, where there is no slope.
const STEP: f64 = 1e-5;

pub(crate) struct Exact {
    pub(crate) results: Vec<Vec<f64>>,
    /// The weights of the sum whose gradients are taken, rounded as the arguments are.
    pub(crate) cotangent: Vec<f64>,
    /// Of each argument: places and the gradient there. Empty for arguments without one.
    pub(crate) gradients: Vec<Vec<(usize, f64)>>,
    /// Whether gradients are central differences.
    pub(crate) by_differences: bool,
}

impl Case {
    fn work(&self) -> usize {
        self.macs.max(self.arguments.iter().map(|argument| argument.values()).sum())
    }

    /// Whether a pass of the slow twin takes long.
    pub(crate) fn is_long(&self) -> bool {
        self.work() > LONG
    }

    /// Whether the slow twin gives everything.
    pub(crate) fn is_small(&self) -> bool {
        let gradients = self.arguments.iter().filter(|argument| argument.has_gradient);
        let passes: usize = gradients.map(|argument| 4 * argument.values().min(PLACES)).sum();
        passes * self.work() <= LONG_DIFFERENCES && !self.is_long()
    }
}

impl Exact {
    /// For arguments rounded to this type.
    pub(crate) fn new(case: &Case, rounded: DType) -> Result<Self> {
        let arguments = case.tensors(rounded, &Device::Cpu)?;
        let in_f64: Vec<Tensor> = arguments.iter().map(|x| x.to_dtype(DType::F64)).collect::<Result<_>>()?;
        let exact: Vec<Vec<f64>> = in_f64.iter().map(doubles).collect();
        let results = match case.is_long() && case.fallback.holds(&Device::Cpu, DType::F64) {
            false => case.reference(&exact),
            true => effnet_ops::by_candle(|| case.compute(&in_f64))?.iter().map(doubles).collect(),
        };
        let weights = numbers(results.first().map_or(0, Vec::len), 99);
        let cotangent = doubles(&Tensor::new(weights, &Device::Cpu)?.to_dtype(rounded)?);
        let by_differences = case.is_small();
        let gradients = match (case.has_gradients(), by_differences) {
            (false, _) => vec![vec![]; arguments.len()],
            (true, true) => differences(case, &exact, &cotangent),
            (true, false) => effnet_ops::by_candle(|| by_candle(case, &in_f64, &cotangent))?,
        };
        Ok(Self { results, cotangent, gradients, by_differences })
    }
}

fn differences(case: &Case, arguments: &[Vec<f64>], cotangent: &[f64]) -> Vec<Vec<(usize, f64)>> {
    let loss = |arguments: &[Vec<f64>]| -> f64 {
        case.reference(arguments)[0].iter().zip(cotangent).map(|(y, c)| y * c).sum()
    };
    let slope = |a: usize, i: usize| {
        let mut moved = arguments.to_vec();
        let mut at = |steps: f64| {
            moved[a][i] = arguments[a][i] + steps * STEP;
            loss(&moved)
        };
        (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * STEP)
    };
    let of_argument = |a: usize| {
        let n = if case.arguments[a].has_gradient { arguments[a].len() } else { 0 };
        let count = n.min(PLACES);
        (0..count).map(|place| place * n / count).map(|i| (i, slope(a, i))).collect()
    };
    (0..arguments.len()).map(of_argument).collect()
}

fn by_candle(case: &Case, arguments: &[Tensor], cotangent: &[f64]) -> Result<Vec<Vec<(usize, f64)>>> {
    let tracked: Vec<bool> = case.arguments.iter().map(|argument| argument.has_gradient).collect();
    let found = gradients(arguments, &tracked, |a| case.first(a), cotangent)?;
    let places = |gradient: Option<Tensor>| match gradient {
        Some(gradient) => doubles(&gradient).into_iter().enumerate().collect(),
        None => vec![],
    };
    Ok(found.into_iter().map(places).collect())
}

/// The gradients of sum(op(arguments) cotangent) by those arguments that are `tracked`.
pub(crate) fn gradients(
    arguments: &[Tensor],
    tracked: &[bool],
    op: impl Fn(&[Tensor]) -> Result<Tensor>,
    cotangent: &[f64],
) -> Result<Vec<Option<Tensor>>> {
    let variables = arguments.iter().map(|x| Var::from_tensor(&x.copy()?)).collect::<Result<Vec<Var>>>()?;
    let inputs: Vec<Tensor> = variables
        .iter()
        .zip(tracked)
        .map(|(x, tracked)| if *tracked { x.as_tensor().clone() } else { x.as_detached_tensor() })
        .collect();
    let y = op(&inputs)?;
    let cotangent = Tensor::from_slice(cotangent, y.shape(), &Device::Cpu)?;
    let cotangent = cotangent.to_dtype(y.dtype())?.to_device(y.device())?;
    let store = y.mul(&cotangent)?.sum_all()?.backward()?;
    let found = |(x, tracked): (&Var, &bool)| match (tracked, store.get(x)) {
        (false, _) => Ok(None),
        (true, Some(gradient)) => Ok(Some(gradient.clone())),
        (true, None) => candle_core::bail!("no gradient of the argument {:?}", x.dims()),
    };
    variables.iter().zip(tracked).map(found).collect()
}
