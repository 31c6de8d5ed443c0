//! The step of SGD.

use candle_core::Var;
use effnet_ops::{Sgd, dispatch, sgd_step};
use proptest::prelude::*;

use crate::support::{assert_close, cases, doubles, tensor};

fn check_steps(dims: &[usize], settings: Sgd) {
    let Sgd { lr, momentum, weight_decay } = settings;
    for level in dispatch::available() {
        let parameter = Var::from_tensor(&tensor(dims, 1)).unwrap();
        let velocity = Var::from_tensor(&(tensor(dims, 2) * 0.0).unwrap()).unwrap();
        let (mut p, mut v) = (doubles(&parameter), doubles(&velocity));
        for step in 0..3 {
            let gradient = tensor(dims, 3 + step);
            dispatch::with_level(level, || sgd_step(&parameter, &velocity, &gradient, &settings))
                .unwrap()
                .unwrap();
            for ((p, v), g) in p.iter_mut().zip(&mut v).zip(doubles(&gradient)) {
                *v = momentum * *v + (g + weight_decay * *p);
                *p -= lr * *v;
            }
            assert_close("velocity", &velocity, &v, 5e-7);
            assert_close("parameter", &parameter, &p, 5e-7);
        }
    }
}

#[test]
fn three_steps_are_those_of_the_formula() {
    for dims in [&[][..], &[7], &[3, 5, 2], &[40_003]] {
        check_steps(dims, Sgd { lr: 0.1, momentum: 0.9, weight_decay: 5e-4 });
    }
}

#[test]
fn a_gradient_with_strides_is_taken_by_its_places() {
    let settings = Sgd { lr: 1.0, momentum: 0.0, weight_decay: 0.0 };
    let parameter = Var::from_tensor(&(tensor(&[3, 4], 1) * 0.0).unwrap()).unwrap();
    let velocity = Var::from_tensor(&tensor(&[3, 4], 2)).unwrap();
    let gradient = tensor(&[4, 3], 3).t().unwrap();
    sgd_step(&parameter, &velocity, &gradient, &settings).unwrap();
    let exact: Vec<f64> = doubles(&gradient).iter().map(|g| -g).collect();
    assert_close("parameter", &parameter, &exact, 0.0);
}

proptest! {
    #![proptest_config(cases(32))]
    #[test]
    fn three_steps_are_those_of_the_formula_over_random_shapes(
        dims in prop::collection::vec(1usize..30, 0..4),
        lr in 1e-4..1.0, momentum in 0.0..0.99, weight_decay in 0.0..0.1,
    ) {
        check_steps(&dims, Sgd { lr, momentum, weight_decay });
    }
}
