//! The matrix products: 1x1 convolution and the fully connected layer.

use effnet_ops::{linear, pointwise_conv};

use super::case::{Argument, Case};
use super::networks::{FEATURES, STAGES, Scale, head};
use super::slow;
use super::tolerance::Roundings;

/// [.., Cin] to as many channels.
#[derive(Debug, Clone)]
pub(crate) struct Pointwise {
    pub(crate) dims: Vec<usize>,
    pub(crate) output: usize,
    /// Whether the weight has PyTorch's shape of a convolution.
    pub(crate) is_kernel: bool,
}

impl Pointwise {
    pub(crate) fn new(dims: &[usize], output: usize) -> Self {
        Self { dims: dims.to_vec(), output, is_kernel: true }
    }

    pub(crate) fn case(self) -> Case {
        let Self { dims, output, is_kernel } = self;
        let input = dims.last().copied().unwrap();
        let weight = if is_kernel { vec![output, input, 1, 1] } else { vec![output, input] };
        Case::new(
            "pointwise_conv",
            format!("{dims:?} by {weight:?}"),
            vec![Argument::new(&dims, 1), Argument::new(&weight, 2)],
            |a| pointwise_conv(&a[0], &a[1]),
            move |a| slow::product(input, &a[0], &a[1]),
        )
        .macs(dims.iter().product::<usize>() * output)
        .roundings(Roundings::of_values(40))
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Linear {
    pub(crate) rows: usize,
    pub(crate) input: usize,
    pub(crate) output: usize,
}

impl Linear {
    pub(crate) fn case(self) -> Case {
        let Self { rows, input, output } = self;
        let shapes = [&[rows, input][..], &[output, input], &[output]];
        Case::new(
            "linear",
            format!("[{rows}, {input}] to {output}"),
            shapes.iter().zip(3..).map(|(dims, seed)| Argument::new(dims, seed)).collect(),
            |a| linear(&a[0], &a[1], &a[2]),
            |a| slow::linear(&a[0], &a[1], &a[2]),
        )
        .macs(rows * input * output)
        .roundings(Roundings::of_values(40))
    }
}

pub(super) fn rows() -> Vec<Case> {
    let mut products = vec![
        Pointwise::new(&[2, 5, 7, 16], 24),
        Pointwise::new(&[1, 1, 1, 3], 1),
        Pointwise { is_kernel: false, ..Pointwise::new(&[3, 9], 17) },
        Pointwise::new(&[5], 6),
    ];
    for scale in Scale::ALL {
        // Of two stages with one width, the expansions are the same.
        let expansions = [1, 2, 4, 6, 8, 10].map(|stage: usize| STAGES[stage]);
        products.extend(expansions.map(|stage| {
            let [n, h, w] = stage.images(scale);
            Pointwise::new(&[n, h, w, stage.input], stage.hidden)
        }));
        products.extend(STAGES.map(|stage| Pointwise::new(&stage.filtered(scale), stage.output)));
        products.push(Pointwise::new(&head(scale), FEATURES));
    }
    let linear = [[1, 1, 1], [5, 7, 3], [17, 40, 33], [4, FEATURES, 10]];
    let linear = linear.map(|[rows, input, output]| Linear { rows, input, output });
    products.into_iter().map(Pointwise::case).chain(linear.map(Linear::case)).collect()
}
