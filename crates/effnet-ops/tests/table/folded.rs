//! What evaluation makes ready once.

use candle_core::{Device, Result, Tensor};
use effnet_ops::{Activation, ConvNorm, Folded, FoldedConv, FoldedMbConv, FoldedParts, Padding};

use super::block::{BLOCK, Block, EPS};
use super::case::{Argument, Call, Case, Fallback};
use super::networks::{FEATURES, STAGES, STEM, Scale, head, stem};
use super::sequence::Conv;
use super::slow::{self, Window};
use super::tolerance::Roundings;

/// Mean and variance of a norm.
fn statistics(channels: usize, seed: u64) -> [Argument; 2] {
    let argument = |seed| Argument::new(&[channels], seed);
    [argument(seed), argument(seed + 1).squared().plus(0.3)]
}

/// Weight and bias, from weight, norm's weight, norm's bias, mean and variance.
fn fold(output: usize, input: usize, kernel: usize) -> Case {
    let shapes = [&[output, input, kernel, kernel][..], &[output], &[output]];
    let mut arguments: Vec<Argument> =
        shapes.iter().zip(1..).map(|(dims, seed)| Argument::new(dims, seed)).collect();
    arguments.extend(statistics(output, 10));
    let parts = |(weight, bias): (Vec<f32>, Vec<f32>)| -> Result<Vec<Tensor>> {
        Ok(vec![Tensor::new(weight, &Device::Cpu)?, Tensor::new(bias, &Device::Cpu)?])
    };
    let prepare = move |a: &[Tensor]| -> Result<Call> {
        let a = a.to_vec();
        Ok(Box::new(move || {
            let conv = ConvNorm { weight: &a[0], norm_weight: &a[1], norm_bias: &a[2] };
            parts(Folded::new(&conv, &a[3], &a[4], EPS)?.into_parts())
        }))
    };
    let reference = move |a: &[Vec<f64>]| {
        let scale: Vec<f64> = a[1].iter().zip(&a[4]).map(|(w, var)| w / (var + EPS).sqrt()).collect();
        let taps = input * kernel * kernel;
        let weight = a[0].iter().enumerate().map(|(i, w)| w * scale[i / taps]).collect();
        let bias = (0..output).map(|o| a[2][o] - a[3][o] * scale[o]).collect();
        vec![weight, bias]
    };
    Case::prepared(
        "Folded",
        format!("[{output}, {input}, {kernel}, {kernel}]"),
        arguments,
        prepare,
        reference,
    )
    .fallback(Fallback::Singles)
    .roundings(Roundings::of_values(4))
}

/// A layer with a bias and no norm, on rows.
fn linear(rows: usize, input: usize, output: usize) -> Case {
    let shapes = [&[rows, 1, 1, input][..], &[output, input], &[output]];
    let prepare = |a: &[Tensor]| -> Result<Call> {
        let folded = Folded::linear(&a[1], &a[2])?;
        let (x, layer) = (a[0].clone(), FoldedConv::new(folded, 1, Padding::Same, Activation::Identity)?);
        Ok(Box::new(move || Ok(vec![layer.forward(&x)?])))
    };
    let arguments = shapes.iter().zip(3..).map(|(dims, seed)| Argument::new(dims, seed)).collect();
    let what = format!("linear [{rows}, {input}] to {output}");
    Case::prepared("FoldedConv", what, arguments, prepare, |a| vec![slow::linear(&a[0], &a[1], &a[2])])
        .fallback(Fallback::Singles)
        .macs(rows * input * output)
        .roundings(Roundings::of_values(40))
}

pub(crate) fn conv(layer: Conv) -> Case {
    let Conv { window, output, activation } = layer;
    let mut arguments = layer.made_from();
    arguments.extend(statistics(output, 70));
    let prepare = move |a: &[Tensor]| -> Result<Call> {
        let conv = ConvNorm { weight: &a[1], norm_weight: &a[2], norm_bias: &a[3] };
        let folded = Folded::new(&conv, &a[4], &a[5], EPS)?;
        let x = a[0].clone();
        let layer = FoldedConv::new(folded, window.stride, window.padding, activation)?;
        Ok(Box::new(move || Ok(vec![layer.forward(&x)?])))
    };
    let reference = move |a: &[Vec<f64>]| {
        let c = window.conv2d(output, &a[0], &a[1]);
        vec![slow::batch_norm(&c, [&a[2], &a[3]], [&a[4], &a[5]], EPS, activation)]
    };
    Case::prepared("FoldedConv", layer.what(), arguments, prepare, reference)
        .fallback(Fallback::Singles)
        .macs(layer.macs())
        .roundings(Roundings::of_values(80))
}

/// Channels of a block's norms, in their order.
fn norms(block: Block) -> Vec<usize> {
    let Block { hidden, output, .. } = block;
    let norms = [hidden, hidden, output];
    norms[usize::from(!block.expands())..].to_vec()
}

/// The block of a block's arguments, then mean and variance of each norm.
pub(crate) fn made_ready(block: Block, a: &[Tensor]) -> Result<FoldedMbConv> {
    let (own, of_norms) = a.split_at(a.len() - 2 * norms(block).len());
    let mut of_norms = of_norms.chunks_exact(2);
    let mut fold = |conv: &ConvNorm<'_>| match of_norms.next() {
        Some([mean, var]) => Folded::new(conv, mean, var, EPS),
        _ => candle_core::bail!("two statistics a norm"),
    };
    block.with(own, |_, parts| {
        FoldedMbConv::new(FoldedParts {
            expansion: parts.expansion.as_ref().map(&mut fold).transpose()?,
            depthwise: fold(&parts.depthwise)?,
            squeeze_excitation: parts.squeeze_excitation,
            projection: fold(&parts.projection)?,
            stride: block.stride,
            padding: block.padding,
            activation: block.activation,
            skip: block.skip.is_some(),
        })
    })
}

/// A block in evaluation; its skip has no drop path there.
pub(crate) fn block(block: Block) -> Case {
    let mut arguments = block.made_from();
    arguments
        .extend(norms(block).into_iter().zip((70..).step_by(2)).flat_map(|(c, seed)| statistics(c, seed)));
    let prepare = move |a: &[Tensor]| -> Result<Call> {
        let (x, ready) = (a[0].clone(), made_ready(block, a)?);
        Ok(Box::new(move || Ok(vec![ready.forward(&x)?])))
    };
    let reference = move |a: &[Vec<f64>]| {
        let (own, of_norms) = a.split_at(a.len() - 2 * norms(block).len());
        let mut of_norms = of_norms.chunks_exact(2);
        let y = block.slow(own, |c, parameters, activation| {
            let [mean, var] = of_norms.next().unwrap() else { panic!("two statistics a norm") };
            slow::batch_norm(&c, parameters, [mean, var], EPS, activation)
        });
        vec![if block.skip.is_some() { slow::sum(&y, &own[0]) } else { y }]
    };
    Case::prepared("FoldedMbConv", block.what(), arguments, prepare, reference)
        .fallback(Fallback::Singles)
        .macs(block.macs())
        .roundings(Roundings::of_values(80))
}

pub(super) fn rows() -> Vec<Case> {
    let mut blocks = vec![
        BLOCK,
        Block { kernel: 5, stride: 2, padding: Padding::Same, images: [2, 9, 7], ..BLOCK },
        Block { reduced: None, input: 20, activation: Activation::Relu6, ..BLOCK },
        Block { output: 5, skip: Some(0.0), padding: Padding::Fixed(7), ..BLOCK },
    ];
    let window = Window { dims: [3, 9, 7, 3], kernel: 3, stride: 2, padding: Padding::Same };
    let small = Conv { window, output: 21, activation: Activation::Swish };
    let mut convs = vec![small, Conv { window: Window { kernel: 1, stride: 1, ..window }, ..small }];
    for scale in Scale::ALL {
        blocks.extend(STAGES.map(|stage| Block::of_stage(stage, scale, Activation::Swish)));
        blocks.push(Block::of_stage(STAGES[3], scale, Activation::Relu6));
        convs.push(Conv { window: stem(scale), output: STEM, activation: Activation::Swish });
        let window = Window { dims: head(scale), kernel: 1, stride: 1, padding: Padding::Same };
        convs.push(Conv { window, output: FEATURES, activation: Activation::Swish });
    }
    let mut cases = vec![fold(6, 5, 3), fold(33, 1, 5), fold(320, 1152, 1), linear(3, 40, 33)];
    cases.extend(convs.into_iter().map(conv));
    cases.extend(blocks.into_iter().map(block));
    cases
}
