//! One case: an operation, its arguments, and what it is held against.

use candle_core::{DType, Device, Result, Tensor};

use super::numbers::numbers;
use super::tolerance::{DIFFERENCES, Roundings};

/// How an argument is made: seeded numbers, times a factor, squared or not, plus a constant.
#[derive(Debug, Clone)]
pub(crate) struct Argument {
    pub(crate) dims: Vec<usize>,
    seed: u64,
    factor: f32,
    is_squared: bool,
    constant: f32,
    /// Whether the operation has a gradient for it.
    pub(crate) has_gradient: bool,
}

impl Argument {
    pub(crate) fn new(dims: &[usize], seed: u64) -> Self {
        let dims = dims.to_vec();
        Self { dims, seed, factor: 1.0, is_squared: false, constant: 0.0, has_gradient: true }
    }

    pub(crate) fn times(self, factor: f32) -> Self {
        Self { factor, ..self }
    }

    pub(crate) fn squared(self) -> Self {
        Self { is_squared: true, ..self }
    }

    pub(crate) fn plus(self, constant: f32) -> Self {
        Self { constant, ..self }
    }

    pub(crate) fn without_gradient(self) -> Self {
        Self { has_gradient: false, ..self }
    }

    pub(crate) fn values(&self) -> usize {
        self.dims.iter().product()
    }

    /// Rounded to the type on the CPU, so that every device gets the same numbers.
    pub(crate) fn tensor(&self, dtype: DType, device: &Device) -> Result<Tensor> {
        let value = |x: f32| {
            let x = x * self.factor;
            (if self.is_squared { x * x } else { x }) + self.constant
        };
        let values: Vec<f32> = numbers(self.values(), self.seed).into_iter().map(value).collect();
        Tensor::from_vec(values, self.dims.as_slice(), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
    }
}

/// What is made ready once and then computed as often as wanted: the results of an operation.
pub(crate) type Call = Box<dyn Fn() -> Result<Vec<Tensor>>>;
type Prepare = Box<dyn Fn(&[Tensor]) -> Result<Call> + Send + Sync>;
type Reference = Box<dyn Fn(&[Vec<f64>]) -> Vec<Vec<f64>> + Send + Sync>;

/// Where candle's form of an operation holds. Elsewhere it must be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// In every floating-point type on every device.
    AnyType,
    /// In f32, on every device.
    Singles,
    /// On the CPU in f32 alone, on other devices in every type.
    SinglesOnTheCpu,
    /// There is none: on the CPU the kernels compute it, in f32, and other devices are refused.
    Nowhere,
}

impl Fallback {
    pub(crate) fn holds(self, device: &Device, dtype: DType) -> bool {
        match self {
            Self::AnyType => true,
            Self::Singles => dtype == DType::F32,
            Self::SinglesOnTheCpu => !device.is_cpu() || dtype == DType::F32,
            Self::Nowhere => device.is_cpu() && dtype == DType::F32,
        }
    }
}

/// An operation of some shapes and settings. Its first result is what gradients are taken of.
pub(crate) struct Case {
    /// The public function or type of effnet-ops.
    pub(crate) op: &'static str,
    /// Shapes and settings.
    pub(crate) what: String,
    pub(crate) arguments: Vec<Argument>,
    prepare: Prepare,
    reference: Reference,
    pub(crate) fallback: Fallback,
    pub(crate) roundings: Roundings,
    /// How far the slow twin's own results may be off.
    pub(crate) reference_error: f64,
    /// Multiply-accumulates of the forward pass; 0 of what only reads and writes memory.
    pub(crate) macs: usize,
}

impl Case {
    /// An operation without gradients, which is prepared from its arguments once.
    pub(crate) fn prepared(
        op: &'static str,
        what: String,
        arguments: Vec<Argument>,
        prepare: impl Fn(&[Tensor]) -> Result<Call> + Send + Sync + 'static,
        reference: impl Fn(&[Vec<f64>]) -> Vec<Vec<f64>> + Send + Sync + 'static,
    ) -> Self {
        let arguments = arguments.into_iter().map(Argument::without_gradient).collect();
        let (prepare, reference) = (Box::new(prepare), Box::new(reference));
        let (fallback, roundings) = (Fallback::AnyType, Roundings::of_values(1));
        Self { op, what, arguments, prepare, reference, fallback, roundings, reference_error: 0.0, macs: 0 }
    }

    /// An operation with several results, of which the first has gradients.
    pub(crate) fn with_results(
        op: &'static str,
        what: String,
        arguments: Vec<Argument>,
        function: impl Fn(&[Tensor]) -> Result<Vec<Tensor>> + Clone + Send + Sync + 'static,
        reference: impl Fn(&[Vec<f64>]) -> Vec<Vec<f64>> + Send + Sync + 'static,
    ) -> Self {
        let prepare = move |a: &[Tensor]| -> Result<Call> {
            let (function, a) = (function.clone(), a.to_vec());
            Ok(Box::new(move || function(&a)))
        };
        let has_gradient: Vec<bool> = arguments.iter().map(|argument| argument.has_gradient).collect();
        let mut case = Self::prepared(op, what, arguments, prepare, reference);
        for (argument, has_gradient) in case.arguments.iter_mut().zip(has_gradient) {
            argument.has_gradient = has_gradient;
        }
        case
    }

    /// An operation with one result.
    pub(crate) fn new(
        op: &'static str,
        what: String,
        arguments: Vec<Argument>,
        function: impl Fn(&[Tensor]) -> Result<Tensor> + Clone + Send + Sync + 'static,
        reference: impl Fn(&[Vec<f64>]) -> Vec<f64> + Send + Sync + 'static,
    ) -> Self {
        let function = move |a: &[Tensor]| Ok(vec![function(a)?]);
        Self::with_results(op, what, arguments, function, move |a| vec![reference(a)])
    }

    pub(crate) fn fallback(self, fallback: Fallback) -> Self {
        Self { fallback, ..self }
    }

    pub(crate) fn roundings(self, roundings: Roundings) -> Self {
        Self { roundings, ..self }
    }

    /// The slow twin's results are central differences.
    pub(crate) fn by_differences(self) -> Self {
        Self { reference_error: DIFFERENCES, ..self }
    }

    pub(crate) fn macs(self, macs: usize) -> Self {
        Self { macs, ..self }
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.op, self.what)
    }

    pub(crate) fn has_gradients(&self) -> bool {
        self.arguments.iter().any(|argument| argument.has_gradient)
    }

    pub(crate) fn tensors(&self, dtype: DType, device: &Device) -> Result<Vec<Tensor>> {
        self.arguments.iter().map(|argument| argument.tensor(dtype, device)).collect()
    }

    pub(crate) fn prepare(&self, arguments: &[Tensor]) -> Result<Call> {
        (self.prepare)(arguments)
    }

    pub(crate) fn compute(&self, arguments: &[Tensor]) -> Result<Vec<Tensor>> {
        self.prepare(arguments)?()
    }

    /// The result that has gradients.
    pub(crate) fn first(&self, arguments: &[Tensor]) -> Result<Tensor> {
        Ok(self.compute(arguments)?.swap_remove(0))
    }

    /// All results by the slow twin.
    pub(crate) fn reference(&self, arguments: &[Vec<f64>]) -> Vec<Vec<f64>> {
        (self.reference)(arguments)
    }
}
