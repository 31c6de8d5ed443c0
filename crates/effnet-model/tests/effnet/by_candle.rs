//! Networks by candle's operations, as on devices that have no kernels of ours, against the kernels.

use effnet_model::candle::Tensor;
use effnet_model::{Arch, ClassifierKind, Mode, ParameterStore};
use effnet_ops::by_candle;

use crate::formula;

/// Rounding alone: candle adds in f32, one value after another.
const TOLERANCE: f64 = 2e-4;

/// Of a gradient: a sum over thousands of pixels, which partly cancel.
const OF_SUMS: f64 = 1e-3;

/// Of a gradient through ReLU6: its derivative jumps at 0 and 6, where a rounding moves some values to the other side.
const WITH_JUMPS: f64 = 5e-3;

/// Networks with every part: swish and a gate, ReLU6 without one and TensorFlow's padding, a classifier with a hidden layer.
fn archs() -> Vec<Arch> {
    let arch = |name: &str| {
        let arch = Arch::by_name(name).unwrap().with_scaling(0.25, 0.5).with_stem_stride(1).with_size(32);
        Arch { dropout: 0.3, drop_path: 0.5, ..arch }
    };
    let hidden = arch("b0").with_classifier(ClassifierKind::Mlp { hidden: 12 });
    vec![arch("b0"), arch("tf_efficientnet_lite0"), hidden]
}

fn assert_near(what: &str, got: &Tensor, exact: &Tensor) {
    let exact: Vec<f64> = formula::values(exact).into_iter().map(f64::from).collect();
    let off = formula::relative(&formula::values(got), &exact);
    assert!(off < TOLERANCE, "{what}: differs by {off:.1e}");
}

#[test]
fn evaluation_is_that_of_the_kernels() {
    for arch in archs() {
        let (network, _) = formula::network(&arch, 7);
        let images = formula::images("by candle", 3, 32, 40);
        let kernels = network.evaluator().unwrap();
        let candle = by_candle(|| network.evaluator()).unwrap();
        let [map, exact_map] = [&candle, &kernels].map(|evaluator| evaluator.encode(&images).unwrap());
        assert_near(&arch.name, &map, &exact_map);
        let [logits, exact] = [&candle, &kernels].map(|evaluator| evaluator.logits(&images).unwrap());
        assert_near(&arch.name, &logits, &exact);
        let [maps, exact] =
            [&candle, &kernels].map(|evaluator| evaluator.class_activation_maps(&exact_map).unwrap());
        assert_near(&arch.name, &maps, &exact);
    }
}

/// Logits, all gradients, and everything that the store holds after the step, with the same draws of dropout and drop path.
fn step(arch: &Arch) -> Vec<(String, Tensor)> {
    let (network, store): (_, ParameterStore) = formula::network(arch, 7);
    let images = formula::images("by candle", 4, 32, 32);
    let logits = network.forward_t(&images, Mode::Train { seed: 5 }).unwrap();
    let gradients = logits.sqr().unwrap().mean_all().unwrap().backward().unwrap();
    let mut all = vec![("logits".to_owned(), logits.detach())];
    for (name, var) in store.trainable() {
        all.push((format!("gradient of {name}"), gradients.get(&var).unwrap().clone()));
    }
    all.extend(store.tensors().unwrap());
    all
}

#[test]
fn a_training_step_is_that_of_the_kernels() {
    for arch in archs() {
        let (candle, kernels) = (by_candle(|| step(&arch)), step(&arch));
        let largest = kernels.iter().map(|(_, tensor)| norm(tensor)).fold(0.0, f64::max);
        for ((name, got), (_, exact)) in candle.iter().zip(&kernels) {
            // The gradient of a bias is mostly, or all, taken out again by the next norm: what is left has its rounding.
            let tolerance = match (name.starts_with("gradient"), arch.name.contains("lite")) {
                (true, true) => WITH_JUMPS,
                (true, false) => OF_SUMS,
                _ => TOLERANCE,
            };
            let (off, most) = (norm(&(got - exact).unwrap()), tolerance * norm(exact) + 1e-6 * largest);
            assert!(off < most, "{}: {name} is off by {off:.1e} of {:.1e}", arch.name, norm(exact));
        }
    }
}

fn norm(tensor: &Tensor) -> f64 {
    formula::values(tensor).iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt()
}
