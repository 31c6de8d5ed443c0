//! Full and depthwise convolution.

use effnet_ops::{Padding, conv2d, depthwise_conv};

use super::case::{Argument, Case};
use super::networks::{STAGES, STEM, Scale, stem};
use super::slow::Window;
use super::tolerance::Roundings;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Conv2d {
    pub(crate) window: Window,
    pub(crate) output: usize,
}

impl Conv2d {
    pub(crate) fn case(self) -> Case {
        let Self { window, output } = self;
        let Window { dims, kernel, stride, padding } = window;
        let [h, w] = window.outputs();
        let taps = kernel * kernel * dims[3];
        let weight = [output, dims[3], kernel, kernel];
        Case::new(
            "conv2d",
            format!("{dims:?} to {output}, {kernel}x{kernel}, stride {stride}, {padding:?}"),
            vec![Argument::new(&dims, 1), Argument::new(&weight, 2)],
            move |a| conv2d(&a[0], &a[1], stride, padding),
            move |a| window.conv2d(output, &a[0], &a[1]),
        )
        .macs(dims[0] * h * w * output * taps)
        .roundings(Roundings::of_values(40))
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Depthwise(pub(crate) Window);

impl Depthwise {
    pub(crate) fn case(self) -> Case {
        let window = self.0;
        let Window { dims, kernel, stride, padding } = window;
        let [h, w] = window.outputs();
        Case::new(
            "depthwise_conv",
            format!("{dims:?}, {kernel}x{kernel}, stride {stride}, {padding:?}"),
            vec![Argument::new(&dims, 1), Argument::new(&[dims[3], 1, kernel, kernel], 2)],
            move |a| depthwise_conv(&a[0], &a[1], stride, padding),
            move |a| window.depthwise(&a[0], &a[1]),
        )
        .macs(dims[0] * h * w * dims[3] * kernel * kernel)
        .roundings(Roundings { values: 16, gradients: 40, others: 0 })
    }
}

pub(super) fn rows() -> Vec<Case> {
    let window = |dims, kernel, stride, padding| Window { dims, kernel, stride, padding };
    let awkward = [
        (Conv2d { window: window([2, 9, 7, 3], 3, 2, Padding::Same), output: 10 }),
        (Conv2d { window: window([1, 8, 8, 3], 3, 2, Padding::Symmetric), output: 8 }),
        (Conv2d { window: window([1, 5, 2, 4], 5, 2, Padding::Fixed(224)), output: 5 }),
        (Conv2d { window: window([2, 6, 5, 3], 1, 1, Padding::Same), output: 17 }),
    ];
    let stems = Scale::ALL.map(|scale| Conv2d { window: stem(scale), output: STEM });
    let full = awkward.into_iter().chain(stems).map(Conv2d::case);

    let awkward = [
        window([2, 9, 7, 5], 3, 1, Padding::Symmetric),
        window([1, 7, 9, 33], 3, 2, Padding::Same),
        window([2, 6, 5, 17], 5, 1, Padding::Same),
        window([1, 8, 8, 16], 5, 2, Padding::Symmetric),
        window([1, 9, 4, 7], 7, 3, Padding::Fixed(7)),
        window([1, 2, 12, 9], 3, 2, Padding::Fixed(224)),
        window([3, 1, 1, 24], 5, 1, Padding::Same),
    ];
    let stages = Scale::ALL.into_iter().flat_map(|scale| STAGES.map(|stage| stage.window(scale)));
    full.chain(awkward.into_iter().chain(stages).map(|window| Depthwise(window).case())).collect()
}
