//! What a layer must do at least: FLOP of its products, bytes to and from main memory.
//!
//! FLOP are two for each multiply-accumulate as effnet-model counts them ([`Arch::layer_costs`]): norms, activations and gates are
//! left out, for the rate they are compared with is that of matrix products.
//!
//! Bytes are those of f32 tensors that cross a *barrier*: a batch norm in training needs the statistics of the whole batch before
//! any value moves on, and a batch's tensors do not fit in a cache. So between two barriers each tensor is read once, or written
//! once, and what is made and used between them costs nothing; nor does what waits for the rest of its own image alone (a gate),
//! because an image fits. Each pass reads the layer's parameters once; the backward one writes their gradients.
//!
//! ```text
//! with x the block's input, y its result, c1, c2, c3 the results of its convolutions (c3 as large as y), d. their gradients:
//!
//! forward    expansion   x -> c1          backward    sums of the last norm    dy c3 ->
//!            depthwise   c1 -> c2                     projection, gate         dy c3 c2 -> dc2
//!            projection  c2 -> c3                     depthwise                dc2 c2 c1 -> dc1
//!            end         c3 (x) -> y                  expansion                dc1 c1 x (dy) -> dx
//!
//! stem, head: conv        x -> c          backward    sums of the norm         dy c ->
//!             end         c -> y                      conv                     dy c x -> (dx)
//! ```
//!
//! In brackets: x and dy where a skip connection adds them; dx not for the stem. Without an expansion, there is no c1, and the depthwise
//! convolution reads x. y of the head is its pooled feature. In evaluation there is no barrier: x -> y.

use effnet_model::{Arch, BlockPlan, ClassifierKind, Plan, Result};
use serde::Serialize;
use std::ops::Add;

/// Of an f32.
const BYTES: u64 = 4;
/// Side and input channels of the stem's kernel.
const STEM: (u64, u64) = (3, 3);

/// One pass through a layer, all images of the batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Cost {
    pub(super) flop: u64,
    pub(super) bytes: u64,
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { flop: self.flop + other.flop, bytes: self.bytes + other.bytes }
    }
}

/// A layer's three passes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LayerCost {
    pub(super) name: String,
    pub(super) forward: Cost,
    pub(super) backward: Cost,
    pub(super) evaluation: Cost,
}

/// Stem, each block, head, classifier.
pub(super) fn layers(arch: &Arch, classes: usize, batch: usize) -> Result<Vec<LayerCost>> {
    let plan = arch.plan()?;
    let counted = arch.layer_costs(classes)?;
    let batch = batch as u64;
    let mut flop = counted.iter().map(|layer| 2 * batch * layer.macs);
    let mut flop = || flop.next().unwrap_or_default();
    let pixels = |side: usize| (side * side) as u64;
    let mut sides = arch.feature_map_sizes().into_iter();
    let mut side = sides.next().unwrap_or_default();
    let mut layers = vec![stem(&plan, batch, flop(), [arch.size, side].map(pixels))];
    let mut width = plan.stem as u64;
    for (s, stage) in plan.stages.iter().enumerate() {
        for (b, plan) in stage.iter().enumerate() {
            let behind = sides.next().unwrap_or_default();
            layers.push(block(format!("block {s}.{b}"), plan, batch, flop(), [side, behind].map(pixels)));
            (side, width) = (behind, plan.output as u64);
        }
    }
    layers.push(head(&plan, batch, flop(), pixels(side), width));
    layers.push(classifier(arch.classifier, plan.head, classes, batch, flop()));
    Ok(layers)
}

/// A step of SGD with momentum on so many parameters: parameter, velocity and gradient read, the first two written.
pub(super) fn optimiser(parameters: usize) -> Cost {
    Cost { flop: 0, bytes: 5 * BYTES * parameters as u64 }
}

fn stem(plan: &Plan, batch: u64, flop: u64, [pixels_in, pixels]: [u64; 2]) -> LayerCost {
    let (side, channels) = STEM;
    let width = plan.stem as u64;
    let (x, y) = (batch * pixels_in * channels, batch * pixels * width);
    let parameters = side * side * channels * width + 2 * width;
    LayerCost {
        name: "stem".to_owned(),
        forward: Cost { flop, bytes: BYTES * (x + 3 * y + parameters) },
        backward: Cost { flop, bytes: BYTES * (x + 4 * y + 2 * parameters) },
        evaluation: Cost { flop, bytes: BYTES * (x + y + parameters) },
    }
}

/// `before` and `behind` are the pixels of an image on both sides of the depthwise convolution.
fn block(name: String, plan: &BlockPlan, batch: u64, flop: u64, [before, behind]: [u64; 2]) -> LayerCost {
    let [input, hidden, output] = [plan.input, plan.hidden, plan.output].map(|value| value as u64);
    let [x, y, c2] = [before * input, behind * output, behind * hidden].map(|values| batch * values);
    let c1 = if plan.expands() { batch * before * hidden } else { 0 };
    let (skip_x, skip_dy) = if plan.has_skip() { (x, y) } else { (0, 0) };
    let parameters = plan.parameters() as u64;
    LayerCost {
        name,
        forward: Cost { flop, bytes: BYTES * (x + 2 * c1 + 2 * c2 + 3 * y + skip_x + parameters) },
        backward: Cost {
            flop: 2 * flop,
            bytes: BYTES * (2 * x + 4 * c1 + 4 * c2 + 4 * y + skip_dy + 2 * parameters),
        },
        evaluation: Cost { flop, bytes: BYTES * (x + y + parameters) },
    }
}

/// With the pooling behind it.
fn head(plan: &Plan, batch: u64, flop: u64, pixels: u64, input: u64) -> LayerCost {
    let output = plan.head as u64;
    let (x, c, feature) = (batch * pixels * input, batch * pixels * output, batch * output);
    let parameters = input * output + 2 * output;
    LayerCost {
        name: "head, pooling".to_owned(),
        forward: Cost { flop, bytes: BYTES * (x + 2 * c + feature + parameters) },
        backward: Cost { flop: 2 * flop, bytes: BYTES * (2 * x + 2 * c + 2 * feature + 2 * parameters) },
        evaluation: Cost { flop, bytes: BYTES * (x + feature + parameters) },
    }
}

/// With the loss behind it. There is no barrier: what is between the linear layers fits in a cache.
fn classifier(kind: ClassifierKind, features: usize, classes: usize, batch: u64, flop: u64) -> LayerCost {
    let (x, y) = (batch * features as u64, batch * classes as u64);
    let parameters = kind.parameters(features, classes) as u64;
    let forward = Cost { flop, bytes: BYTES * (x + y + parameters) };
    let backward = Cost { flop: 2 * flop, bytes: BYTES * (2 * x + y + 2 * parameters) };
    LayerCost { name: "classifier".to_owned(), forward, backward, evaluation: forward }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn b0(size: usize, batch: usize) -> Vec<LayerCost> {
        layers(&Arch::by_name("b0").unwrap().with_size(size), 1000, batch).unwrap()
    }

    #[test]
    fn there_is_a_line_for_each_layer_and_twice_the_images_are_twice_the_flop() {
        let (one, two) = (b0(224, 1), b0(224, 2));
        let names: Vec<&str> = one.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names.len(), 19);
        assert_eq!(
            [names[0], names[1], names[16], names[17], names[18]],
            ["stem", "block 0.0", "block 6.0", "head, pooling", "classifier"]
        );
        assert!(one.iter().zip(&two).all(|(one, two)| 2 * one.forward.flop == two.forward.flop));
    }

    /// By hand, for one image of 32 px: 16 x 16 x 32 behind the stem.
    #[test]
    fn the_stem_is_as_counted_by_hand() {
        let (x, y, parameters) = (32 * 32 * 3, 16 * 16 * 32, 27 * 32 + 2 * 32);
        let flop = 2 * 16 * 16 * 32 * 27;
        let expected = LayerCost {
            name: "stem".to_owned(),
            forward: Cost { flop, bytes: 4 * (x + y + 2 * y + parameters) },
            backward: Cost { flop, bytes: 4 * (2 * y + 2 * y + x + 2 * parameters) },
            evaluation: Cost { flop, bytes: 4 * (x + y + parameters) },
        };
        assert_eq!(b0(32, 1)[0], expected);
    }

    /// By hand: block 0.0 has neither an expansion nor a skip; 2.1 has both, 40 channels to 240 and back, 5 x 5.
    #[test]
    fn blocks_are_as_counted_by_hand() {
        let first = &b0(32, 2)[1];
        let (x, c2, y) = (2 * 256 * 32, 2 * 256 * 32, 2 * 256 * 16);
        let parameters = 32 * 9 + 64 + (2 * 8 * 32 + 8 + 32) + 32 * 16 + 32;
        let flop = 2 * 2 * (256 * 32 * 9 + 2 * 8 * 32 + 256 * 32 * 16);
        // x -> c2, c2 -> c3, c3 -> y.
        let values = (x + c2) + (c2 + y) + (y + y);
        assert_eq!(first.forward, Cost { flop, bytes: 4 * (values + parameters) });
        // dy c3, dy c3 c2 -> dc2, dc2 c2 x -> dx.
        let values = 2 * y + (2 * y + c2 + c2) + (c2 + c2 + x + x);
        assert_eq!(first.backward, Cost { flop: 2 * flop, bytes: 4 * (values + 2 * parameters) });

        let second = &b0(64, 1)[5];
        assert_eq!(second.name, "block 2.1");
        // 64 px: 8 x 8 pixels in and out.
        let (x, c, y) = (64 * 40, 64 * 240, 64 * 40);
        let parameters = 40 * 240 + 480 + 25 * 240 + 480 + (2 * 10 * 240 + 10 + 240) + 240 * 40 + 80;
        let flop = 2 * (64 * 40 * 240 + 64 * 240 * 25 + 2 * 10 * 240 + 64 * 240 * 40);
        // x -> c1, c1 -> c2, c2 -> c3, c3 x -> y.
        let values = (x + c) + (c + c) + (c + y) + (y + x + y);
        assert_eq!(second.forward, Cost { flop, bytes: 4 * (values + parameters) });
        // dy c3, dy c3 c2 -> dc2, dc2 c2 c1 -> dc1, dc1 c1 x dy -> dx.
        let values = 2 * y + (2 * y + 2 * c) + 4 * c + (2 * c + x + y + x);
        assert_eq!(second.backward, Cost { flop: 2 * flop, bytes: 4 * (values + 2 * parameters) });
        assert_eq!(second.evaluation, Cost { flop, bytes: 4 * (x + y + parameters) });
    }

    #[test]
    fn the_parameters_are_those_of_the_network() {
        let arch = Arch::by_name("b0").unwrap();
        let all = arch.parameters(1000).unwrap();
        // A gradient of each is written, and each is read: what a batch of none leaves.
        let bytes: u64 = layers(&arch, 1000, 0).unwrap().iter().map(|layer| layer.backward.bytes).sum();
        assert_eq!(bytes, 2 * 4 * all as u64);
        assert_eq!(optimiser(all).bytes, 20 * all as u64);
    }
}
