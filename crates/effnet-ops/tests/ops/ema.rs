//! The step of a moving average.

use candle_core::{DType, Var};
use effnet_ops::{EmaParam, ema_step};
use proptest::prelude::*;

use crate::sgd::SIZES;
use crate::support::{assert_holds, singles, tensor};
use crate::table::steps::ema;

/// Averages, and what they are of.
pub(crate) struct Pairs {
    averages: Vec<Var>,
    values: Vec<Var>,
}

impl Pairs {
    pub(crate) fn new(shapes: &[&[usize]]) -> Self {
        let vars = |seed: u64| {
            let tensors = shapes.iter().zip(seed..).map(|(dims, seed)| tensor(dims, seed));
            tensors.map(|t| Var::from_tensor(&t).unwrap()).collect()
        };
        Self { averages: vars(1), values: vars(1000) }
    }

    pub(crate) fn list(&self) -> Vec<EmaParam<'_>> {
        let pairs = self.averages.iter().zip(&self.values);
        pairs.map(|(average, value)| EmaParam { average, value }).collect()
    }

    pub(crate) fn averages(&self) -> Vec<candle_core::Tensor> {
        self.averages.iter().map(|var| var.copy().unwrap()).collect()
    }
}

fn check_steps(shapes: &[&[usize]], momentum: f64) {
    assert_holds(&ema(shapes, momentum, 3));
}

#[test]
fn three_steps_are_those_of_the_formula() {
    check_steps(&[], 0.9);
    check_steps(SIZES, 0.9);
    check_steps(SIZES, 0.999);
}

#[test]
fn an_average_with_momentum_zero_equals_its_variable_to_the_bit() {
    let pairs = Pairs::new(SIZES);
    ema_step(&pairs.list(), 0.0).unwrap();
    for (average, value) in pairs.averages.iter().zip(&pairs.values) {
        assert!(singles(average) == singles(value));
    }
}

#[test]
fn a_step_that_is_refused_moves_nothing() {
    let pairs = Pairs::new(&[&[3], &[3], &[4]]);
    let [a, b, long] = [&pairs.averages[0], &pairs.averages[1], &pairs.averages[2]];
    let x = &pairs.values[0];
    let first = EmaParam { average: a, value: x };
    let fine = &Var::from_tensor(&x.to_dtype(DType::F64).unwrap()).unwrap();
    for (wrong, words) in [
        (EmaParam { average: long, value: x }, "average [4], value [3]"),
        (EmaParam { average: b, value: fine }, "F64"),
        (first, "the average at place 1"),
        (EmaParam { average: b, value: a }, "the value at place 1"),
    ] {
        let before = [a, b, long].map(|var| singles(var));
        let error = ema_step(&[first, wrong], 0.5).unwrap_err().to_string();
        assert!(error.contains("ema_step") && error.contains(words), "{words}: {error}");
        assert!([a, b, long].map(|var| singles(var)) == before, "{words}: nothing moves");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn three_steps_are_those_of_the_formula_over_random_shapes(
        shapes in prop::collection::vec(prop::collection::vec(1usize..30, 0..4), 0..6), momentum in 0.0..1.0,
    ) {
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        check_steps(&shapes, momentum);
    }
}
