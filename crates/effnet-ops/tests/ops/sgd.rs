//! The step of SGD.

use candle_core::{DType, Device, Result, Tensor, Var};
use effnet_ops::{Sgd, SgdParam, dispatch, sgd_step};
use proptest::prelude::*;

use crate::support::{assert_close, assert_holds, doubles, singles, tensor};
use crate::table::steps::sgd;

/// Parameters and their velocities.
pub(crate) struct Network {
    parameters: Vec<Var>,
    velocities: Vec<Var>,
}

impl Network {
    pub(crate) fn new(shapes: &[&[usize]]) -> Self {
        let vars = |seed: u64| {
            let tensors = shapes.iter().zip(seed..).map(|(dims, seed)| tensor(dims, seed));
            tensors.map(|t| Var::from_tensor(&t).unwrap()).collect()
        };
        Self { parameters: vars(1), velocities: vars(1000) }
    }

    /// Each parameter's gradient of some seed.
    fn gradients(&self, seed: u64) -> Vec<Tensor> {
        self.parameters.iter().zip(seed..).map(|(p, seed)| tensor(p.dims(), seed)).collect()
    }

    fn list<'a>(&'a self, gradients: &'a [Tensor]) -> Vec<SgdParam<'a>> {
        let pairs = self.parameters.iter().zip(&self.velocities).zip(gradients);
        pairs.map(|((parameter, velocity), gradient)| SgdParam { parameter, velocity, gradient }).collect()
    }

    pub(crate) fn step(&self, seed: u64, settings: &Sgd) -> Result<()> {
        sgd_step(&self.list(&self.gradients(seed)), settings)
    }

    /// All parameters, then all velocities.
    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        self.parameters.iter().chain(&self.velocities).map(|var| var.copy().unwrap()).collect()
    }
}

/// Most values in a task of several parameters.
const PIECE: usize = 16 * 1024;

/// Values from which on a parameter is cut itself.
const LARGE: usize = 16 * PIECE;

/// On both sides of every cut, small ones in tasks together, and none after all.
pub(crate) const SIZES: &[&[usize]] = &[
    &[],
    &[7],
    &[PIECE - 9],
    &[1],
    &[1],
    &[3, 5, 2],
    &[PIECE],
    &[0],
    &[LARGE - 1],
    &[PIECE + 1],
    &[LARGE],
    &[2, 3],
    &[LARGE + PIECE + 3],
    &[40_003],
];

fn check_steps(shapes: &[&[usize]], settings: Sgd) {
    assert_holds(&sgd(shapes, settings, 3));
}

#[test]
fn three_steps_are_those_of_the_formula() {
    let settings = Sgd { lr: 0.1, momentum: 0.9, weight_decay: 5e-4 };
    check_steps(&[], settings);
    for shape in SIZES {
        check_steps(&[*shape], settings);
    }
    check_steps(SIZES, settings);
}

#[test]
fn parameters_move_together_as_they_do_alone() {
    let settings = Sgd { lr: 0.1, momentum: 0.9, weight_decay: 5e-4 };
    let (together, alone) = (Network::new(SIZES), Network::new(SIZES));
    together.step(7, &settings).unwrap();
    let gradients = alone.gradients(7);
    for param in alone.list(&gradients) {
        sgd_step(&[param], &settings).unwrap();
    }
    let values = |network: &Network| -> Vec<f32> { network.tensors().iter().flat_map(singles).collect() };
    assert!(values(&together) == values(&alone));
}

#[test]
fn a_gradient_with_strides_is_taken_by_its_places() {
    let settings = Sgd { lr: 1.0, momentum: 0.0, weight_decay: 0.0 };
    let parameter = &Var::zeros((3, 4), DType::F32, &Device::Cpu).unwrap();
    let velocity = &Var::from_tensor(&tensor(&[3, 4], 2)).unwrap();
    let gradient = &tensor(&[4, 3], 3).t().unwrap();
    sgd_step(&[SgdParam { parameter, velocity, gradient }], &settings).unwrap();
    let exact: Vec<f64> = doubles(gradient).iter().map(|g| -g).collect();
    assert_close("parameter", parameter, &exact, 0.0);
}

#[test]
fn one_gradient_may_move_several() {
    let settings = Sgd { lr: 1.0, momentum: 0.0, weight_decay: 0.0 };
    let network = Network::new(&[&[5], &[5], &[5]]);
    let gradient = tensor(&[5], 3);
    sgd_step(&network.list(&[gradient.clone(), gradient.clone(), gradient.clone()]), &settings).unwrap();
    for velocity in &network.velocities {
        assert_close("velocity", velocity, &doubles(&gradient), 0.0);
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn denormals_are_zeros_in_parameters_of_any_size() {
    let settings = Sgd { lr: 1.0, momentum: 1.0, weight_decay: 0.0 };
    let network = Network::new(SIZES);
    for var in network.parameters.iter().chain(&network.velocities) {
        var.set(&var.zeros_like().unwrap()).unwrap();
    }
    let tiny: Vec<Tensor> =
        network.parameters.iter().map(|p| Tensor::full(1e-39f32, p.shape(), &Device::Cpu).unwrap()).collect();
    for level in dispatch::available() {
        dispatch::with_level(level, || sgd_step(&network.list(&tiny), &settings)).unwrap().unwrap();
        assert!(network.tensors().iter().flat_map(singles).all(|x| x == 0.0), "at {}", level.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn three_steps_are_those_of_the_formula_over_random_shapes(
        shapes in prop::collection::vec(prop::collection::vec(1usize..30, 0..4), 0..6),
        lr in 1e-4..1.0, momentum in 0.0..0.99, weight_decay in 0.0..0.1,
    ) {
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        check_steps(&shapes, Sgd { lr, momentum, weight_decay });
    }
}
