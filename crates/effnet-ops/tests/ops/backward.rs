//! The backward pass that takes gradients of parameters as they are, against candle's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, Var};
use effnet_ops::backward;
use proptest::prelude::*;

use crate::mb_conv::blocks;
use crate::support::{singles, tensor};
use crate::table::block::{BLOCK, Block};
use crate::threads::assert_same_bits;

fn variables(tensors: &[Tensor]) -> Vec<Var> {
    tensors.iter().map(|t| Var::from_tensor(&t.copy().unwrap()).unwrap()).collect()
}

fn tensors(variables: &[Var]) -> Vec<Tensor> {
    variables.iter().map(|var| var.as_tensor().clone()).collect()
}

/// A weighted sum.
fn loss(y: &Tensor) -> Result<Tensor> {
    y.mul(&tensor(y.dims(), 99))?.sum_all()
}

/// -0 and 0 count as one.
fn bits(store: &GradStore, of: &Var) -> Vec<u32> {
    let gradient = store.get(of).unwrap_or_else(|| panic!("no gradient of {:?}", of.dims()));
    assert_eq!(gradient.dims(), of.dims());
    singles(gradient).iter().map(|x| (x + 0.0).to_bits()).collect()
}

/// That both passes give `variables` the same gradients, and nothing else any.
fn assert_as_candle(what: &str, variables: &[Var], loss: &Tensor) {
    let [plain, ours] = [loss.backward().unwrap(), backward(loss).unwrap()];
    for (i, var) in variables.iter().enumerate() {
        assert!(bits(&ours, var) == bits(&plain, var), "{what}: gradient {i} has other bits");
    }
    assert_eq!(ours.get_ids().count(), plain.get_ids().count(), "{what}: number of gradients");
    // Not only once.
    let again = backward(loss).unwrap();
    assert!(variables.iter().all(|var| bits(&again, var) == bits(&ours, var)), "{what}: again");
}

fn check(block: Block) {
    let variables = variables(&block.arguments());
    let loss = loss(&block.one(&tensors(&variables)).unwrap()).unwrap();
    assert_as_candle(&format!("{block:?}"), &variables, &loss);
}

/// A square block, so that one can follow another with the same parameters.
const SQUARE: Block = Block { output: BLOCK.input, ..BLOCK };

#[test]
fn a_block_has_the_gradients_of_candles_pass() {
    check(BLOCK);
    check(Block { reduced: None, input: BLOCK.hidden, ..BLOCK });
}

#[test]
fn a_parameter_of_two_blocks_has_the_sum() {
    let variables = variables(&SQUARE.arguments());
    let mut arguments = tensors(&variables);
    arguments[0] = SQUARE.one(&arguments).unwrap();
    let twice = loss(&SQUARE.one(&arguments).unwrap()).unwrap();
    assert_as_candle("two blocks", &variables, &twice);
    let once = loss(&SQUARE.one(&tensors(&variables)).unwrap()).unwrap();
    let [once, twice] = [once, twice].map(|loss| bits(&backward(&loss).unwrap(), &variables[1]));
    assert!(once != twice);
}

#[test]
fn a_parameter_in_two_places_of_a_block_has_the_sum() {
    let variables = variables(&BLOCK.arguments());
    let mut arguments = tensors(&variables);
    // Weight and bias of the first norm.
    arguments[3] = arguments[2].clone();
    let loss = loss(&BLOCK.one(&arguments).unwrap()).unwrap();
    let used = [&variables[..3], &variables[4..]].concat();
    assert_as_candle("one vector as weight and bias", &used, &loss);
}

#[test]
fn a_parameter_that_other_operations_use_too_has_the_sum() {
    let variables = variables(&BLOCK.arguments());
    let y = BLOCK.one(&tensors(&variables)).unwrap();
    let penalty = variables.iter().map(|var| var.sqr()?.sum_all());
    let loss = penalty.fold(loss(&y), |sum, penalty| sum? + penalty?).unwrap();
    assert_as_candle("with a penalty", &variables, &loss);
}

#[test]
fn a_parameter_that_is_computed_hands_its_gradient_on() {
    let variables = variables(&BLOCK.arguments());
    let computed: Vec<Tensor> = variables.iter().map(|var| (var.as_tensor() * 2.0).unwrap()).collect();
    let one_loss = loss(&BLOCK.one(&computed).unwrap()).unwrap();
    assert_as_candle("all computed", &variables, &one_loss);
    for i in 1..variables.len() {
        let mut mixed = tensors(&variables);
        mixed[i] = computed[i].clone();
        let loss = loss(&BLOCK.one(&mixed).unwrap()).unwrap();
        assert_as_candle(&format!("computed: {i}"), &variables, &loss);
    }
}

#[test]
fn a_parameter_without_a_graph_has_none() {
    let variables = variables(&BLOCK.arguments());
    let mut arguments = tensors(&variables);
    for i in [1, 4] {
        arguments[i] = arguments[i].detach();
    }
    let loss = loss(&BLOCK.one(&arguments).unwrap()).unwrap();
    let used: Vec<Var> = [0, 2, 3, 5, 6, 7, 8].map(|i| variables[i].clone()).into();
    assert_as_candle("two without", &used, &loss);
    assert!(backward(&loss).unwrap().get(&variables[1]).is_none());
}

/// The identity, in whose backward pass something else happens.
struct Meanwhile<F>(F);

impl<F: Fn() -> Result<()> + Send + Sync> CustomOp1 for Meanwhile<F> {
    fn name(&self) -> &'static str {
        "meanwhile"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((x.clone(), layout.shape().clone()))
    }

    fn bwd(&self, _x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        self.0()?;
        Ok(Some(dy.clone()))
    }
}

/// Loss of two blocks of `variables`, between whose backward passes `f` is called.
fn with_between(variables: &[Var], f: impl Fn() -> Result<()> + Send + Sync + 'static) -> Tensor {
    let mut arguments = tensors(variables);
    arguments[0] = SQUARE.one(&arguments).unwrap().apply_op1(Meanwhile(f)).unwrap();
    loss(&SQUARE.one(&arguments).unwrap()).unwrap()
}

#[test]
fn passes_inside_one_another_keep_their_gradients() {
    let [outer, inner] = [SQUARE, BLOCK].map(|block| variables(&block.arguments()));
    let inner_loss = loss(&BLOCK.one(&tensors(&inner)).unwrap()).unwrap();
    let exact = inner_loss.backward().unwrap();
    let exact: Vec<_> = inner.iter().map(|var| bits(&exact, var)).collect();
    let passes: [fn(&Tensor) -> Result<GradStore>; 2] = [backward, Tensor::backward];
    for pass in passes {
        let (inner, inner_loss, exact) = (inner.clone(), inner_loss.clone(), exact.clone());
        let loss = with_between(&outer, move || {
            let found = pass(&inner_loss)?;
            assert!(inner.iter().zip(&exact).all(|(var, exact)| bits(&found, var) == *exact));
            Ok(())
        });
        assert_as_candle("around another", &outer, &loss);
    }
}

#[test]
fn after_an_error_or_a_panic_passes_are_as_before() {
    let variables = variables(&SQUARE.arguments());
    for panics in [false, true] {
        let first = AtomicBool::new(true);
        let loss = with_between(&variables, move || match (first.swap(false, Ordering::Relaxed), panics) {
            (false, _) => Ok(()),
            (true, false) => candle_core::bail!("on purpose"),
            (true, true) => panic!("on purpose"),
        });
        let pass = catch_unwind(AssertUnwindSafe(|| backward(&loss).map(drop)));
        assert!(matches!((pass, panics), (Ok(Err(_)), false) | (Err(_), true)));
        // A collector that was left here would take from candle's pass over the same nodes.
        assert_as_candle("after a failure", &variables, &loss);
    }
}

#[test]
fn it_has_the_same_bits_for_any_number_of_threads() {
    assert_same_bits("backward", || {
        let block = Block { images: [6, 19, 23], hidden: 72, ..BLOCK };
        let variables = variables(&block.arguments());
        let store = backward(&loss(&block.one(&tensors(&variables)).unwrap()).unwrap()).unwrap();
        variables.iter().map(|var| store.get(var).unwrap().clone()).collect()
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn blocks_have_the_gradients_of_candles_pass_over_random_shapes(
        block in blocks(1usize..=5, 1..14, 1..50),
    ) {
        check(block);
    }
}
