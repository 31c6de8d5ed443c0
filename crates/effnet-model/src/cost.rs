//! The cost of a network, layer by layer, counted from its architecture: nothing is built or run.
//!
//! Counted are multiply-accumulates (MACs) of convolutions and linear layers, and the numbers that come out of them
//! (activations), as the published tables do. Norms, activation functions, gates and pooling are left out of both.

use std::iter;

use crate::arch::{Arch, ClassifierKind};
use crate::error::Result;
use crate::plan::{BlockPlan, Plan};
use crate::table::STEM_KERNEL;

/// Bytes of a number.
const F32: u64 = 4;

/// The cost of a layer for one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerCost {
    /// `stem`, `block S.B` (stage and block, from 0), `head` or `classifier`.
    pub name: String,
    /// Trainable numbers.
    pub parameters: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Numbers that come out of its convolutions and linear layers.
    pub activations: u64,
    /// Numbers that training saves for the backward pass: the results of its convolutions, and its own result.
    pub saved_for_backward: u64,
    /// Numbers that the backward pass needs for a while: the gradients of the depthwise convolution's input and result.
    pub temporary: u64,
    /// Numbers of its input and its result.
    pub input_output: u64,
}

/// The cost of a network for one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Number of layers as Tan & Le's table 1 counts them: stem, blocks, head.
    pub layers: usize,
    /// Trainable numbers.
    pub parameters: u64,
    /// Multiply-accumulates of a forward pass.
    pub macs: u64,
    /// Numbers that come out of convolutions and linear layers.
    pub activations: u64,
    saved_for_backward: u64,
    temporary: u64,
    input_output: u64,
}

impl Cost {
    /// Bytes of a training step on `batch` images: parameters, their gradients and velocities; the images; what the forward
    /// pass saves; and the most that the backward pass of one layer needs. The program itself, and memory that the allocator
    /// holds in reserve, are not counted.
    pub fn training_bytes(&self, batch: usize) -> u64 {
        F32 * (3 * self.parameters + batch as u64 * (self.saved_for_backward + self.temporary))
    }

    /// Bytes of evaluating `batch` images: the parameters, once as they are and once folded, and the largest input with its
    /// output.
    pub fn inference_bytes(&self, batch: usize) -> u64 {
        F32 * (2 * self.parameters + batch as u64 * self.input_output)
    }
}

impl Arch {
    /// The cost of each layer for images of [`Arch::size`] pixels and so many classes: stem, blocks, head, classifier.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArch`] as [`Arch::check`].
    pub fn layer_costs(&self, classes: usize) -> Result<Vec<LayerCost>> {
        let plan = self.plan()?;
        let pixels = |side: usize| (side * side) as u64;
        let mut sizes = self.feature_map_sizes().into_iter();
        let mut side = sizes.next().unwrap_or_default();
        let mut layers = vec![stem(&plan, pixels(self.size), pixels(side))];
        let mut width = plan.stem as u64;
        for (s, stage) in plan.stages.iter().enumerate() {
            for (b, plan) in stage.iter().enumerate() {
                let after = sizes.next().unwrap_or_default();
                layers.push(block(format!("block {s}.{b}"), plan, [side, after].map(pixels)));
                (side, width) = (after, plan.output as u64);
            }
        }
        layers.push(head(&plan, width, pixels(side)));
        layers.push(classifier(self.classifier, plan.head, classes));
        Ok(layers)
    }

    /// The cost of the network for images of [`Arch::size`] pixels and so many classes.
    ///
    /// ```
    /// let b0 = effnet_model::Arch::by_name("b0")?.cost(1000)?;
    /// assert_eq!((b0.layers, b0.parameters, b0.macs), (18, 5_288_548, 385_814_752));
    /// # Ok::<(), effnet_model::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::InvalidArch`] as [`Arch::check`].
    pub fn cost(&self, classes: usize) -> Result<Cost> {
        let layers = self.layer_costs(classes)?;
        let sum = |of: fn(&LayerCost) -> u64| layers.iter().map(of).sum::<u64>();
        let most = |of: fn(&LayerCost) -> u64| layers.iter().map(of).max().unwrap_or_default();
        Ok(Cost {
            layers: layers.len() - 1,
            parameters: sum(|layer| layer.parameters),
            macs: sum(|layer| layer.macs),
            activations: sum(|layer| layer.activations),
            saved_for_backward: sum(|layer| layer.saved_for_backward),
            temporary: most(|layer| layer.temporary),
            input_output: most(|layer| layer.input_output),
        })
    }
}

fn stem(plan: &Plan, pixels_in: u64, pixels: u64) -> LayerCost {
    let channels = plan.channels as u64;
    let patch = (STEM_KERNEL * STEM_KERNEL) as u64 * channels;
    let width = plan.stem as u64;
    let (x, y) = (pixels_in * channels, pixels * width);
    LayerCost {
        name: "stem".to_owned(),
        parameters: patch * width + 2 * width,
        macs: patch * y,
        activations: y,
        saved_for_backward: x + 2 * y,
        temporary: y,
        input_output: x + y,
    }
}

/// The cost of a block, from the pixels of an image before and after the depthwise convolution.
fn block(name: String, plan: &BlockPlan, [before, after]: [u64; 2]) -> LayerCost {
    let [input, hidden, output, kernel] =
        [plan.input, plan.hidden, plan.output, plan.kernel].map(|number| number as u64);
    let expansion = if plan.expands() { before * hidden } else { 0 };
    let (depthwise, projection) = (after * hidden, after * output);
    let squeeze = plan.squeeze.unwrap_or_default() as u64;
    let gate = if squeeze > 0 { squeeze + hidden } else { 0 };
    LayerCost {
        name,
        parameters: plan.parameters() as u64,
        macs: expansion * input + depthwise * kernel * kernel + 2 * squeeze * hidden + projection * hidden,
        activations: expansion + depthwise + gate + projection,
        saved_for_backward: expansion + depthwise + 2 * projection,
        temporary: before * hidden + depthwise,
        input_output: before * input + projection,
    }
}

/// The cost of the head, and of the pooling after it.
fn head(plan: &Plan, input: u64, pixels: u64) -> LayerCost {
    let output = plan.head as u64;
    let (x, y) = (pixels * input, pixels * output);
    LayerCost {
        name: "head".to_owned(),
        parameters: input * output + 2 * output,
        macs: x * output,
        activations: y,
        saved_for_backward: 2 * y,
        temporary: y,
        input_output: x + y,
    }
}

fn classifier(kind: ClassifierKind, features: usize, classes: usize) -> LayerCost {
    let hidden = match kind {
        ClassifierKind::Linear => None,
        ClassifierKind::Mlp { hidden } => Some(hidden),
    };
    let widths: Vec<u64> = iter::once(features).chain(hidden).chain([classes]).map(|n| n as u64).collect();
    let outputs = widths[1..].iter().sum();
    LayerCost {
        name: "classifier".to_owned(),
        parameters: kind.parameters(features, classes) as u64,
        macs: widths.windows(2).map(|pair| pair[0] * pair[1]).sum(),
        activations: outputs,
        saved_for_backward: widths.iter().sum(),
        temporary: 0,
        input_output: widths.iter().sum(),
    }
}
