//! Squeeze and excitation.

use candle_core::Tensor;
use effnet_ops::{SqueezeExcitation, squeeze_excitation};

use super::case::{Argument, Case};
use super::networks::{STAGES, Scale};
use super::slow;
use super::tolerance::Roundings;

/// A gate of its four parameters in their order.
pub(crate) fn gate(parameters: &[Tensor]) -> SqueezeExcitation<'_> {
    let [reduce_weight, reduce_bias, expand_weight, expand_bias] = parameters else {
        panic!("four parameters")
    };
    SqueezeExcitation { reduce_weight, reduce_bias, expand_weight, expand_bias }
}

/// The shapes of a gate's parameters, in their order.
pub(super) fn shapes(channels: usize, reduced: usize) -> [Vec<usize>; 4] {
    [vec![reduced, channels, 1, 1], vec![reduced], vec![channels, reduced, 1, 1], vec![channels]]
}

/// On images, by so many channels within the gate.
pub(crate) fn case(dims: [usize; 4], reduced: usize) -> Case {
    let mut arguments = vec![Argument::new(&dims, 1).times(2.0)];
    arguments.extend(shapes(dims[3], reduced).iter().zip(2..).map(|(dims, seed)| {
        // So that the sums of a wide gate are no larger than those of a narrow one.
        let inputs = dims.get(1).copied().unwrap_or(1);
        Argument::new(dims, seed).times(2.0 / (inputs as f32).sqrt())
    }));
    Case::new(
        "squeeze_excitation",
        format!("{dims:?} by {reduced}"),
        arguments,
        |a| squeeze_excitation(&a[0], &gate(&a[1..])),
        move |a| slow::squeeze_excitation(dims, &a[0], &a[1..]),
    )
    .roundings(Roundings { values: 40, gradients: 80, others: 0 })
}

pub(super) fn rows() -> Vec<Case> {
    let awkward = [([2, 3, 5, 7], 2), ([1, 1, 1, 8], 4), ([3, 4, 4, 33], 8), ([2, 1, 9, 16], 1)];
    let stages = [STAGES[0], STAGES[1], STAGES[5], STAGES[11]];
    let of_network =
        Scale::ALL.into_iter().flat_map(|scale| stages.map(|stage| (stage.filtered(scale), stage.reduced)));
    awkward.into_iter().chain(of_network).map(|(dims, reduced)| case(dims, reduced)).collect()
}
