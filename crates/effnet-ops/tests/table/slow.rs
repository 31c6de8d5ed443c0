//! The slow twins: every formula in f64, as its paper writes it, loop by loop.

use effnet_ops::{Activation, Padding};

/// A square kernel over images [N, H, W, C].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) dims: [usize; 4],
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: Padding,
}

impl Window {
    /// Output size and zeros before of an axis, from the definitions (PyTorch 2.x `padding=k // 2`; TensorFlow 2.x
    /// `padding="SAME"`; efficientnet_pytorch 0.7 `Conv2dStaticSamePadding`). No output where the input is too small.
    fn axis(self, size: usize) -> (usize, isize) {
        let Self { kernel, stride, padding, .. } = self;
        let same = |size: usize| {
            let output = size.div_ceil(stride);
            (((output - 1) * stride + kernel) as isize - size as isize).max(0)
        };
        match padding {
            Padding::Symmetric => ((size + 2 * (kernel / 2) - kernel) / stride + 1, (kernel / 2) as isize),
            Padding::Same => (size.div_ceil(stride), same(size) / 2),
            Padding::Fixed(nominal) => {
                let padded = size + same(nominal) as usize;
                (if padded < kernel { 0 } else { (padded - kernel) / stride + 1 }, same(nominal) / 2)
            }
        }
    }

    /// Height and width of the output.
    pub(crate) fn outputs(self) -> [usize; 2] {
        [self.dims[1], self.dims[2]].map(|size| self.axis(size).0)
    }

    /// Whether there is an output.
    pub(crate) fn fits(self) -> bool {
        !self.outputs().contains(&0)
    }

    /// The pixel of the input under tap (a, b) of output (i, j), if it is inside.
    fn under(self, [i, j]: [usize; 2], [a, b]: [usize; 2]) -> Option<[usize; 2]> {
        let [_, h, w, _] = self.dims;
        let at = |o: usize, tap: usize, size: usize| {
            let place = (o * self.stride + tap) as isize - self.axis(size).1;
            usize::try_from(place).ok().filter(|place| *place < size)
        };
        Some([at(i, a, h)?, at(j, b, w)?])
    }

    /// x's value at a pixel.
    fn value(self, x: &[f64], image: usize, [y, z]: [usize; 2], channel: usize) -> f64 {
        let [_, h, w, c] = self.dims;
        x[((image * h + y) * w + z) * c + channel]
    }

    /// w is [output, C, k, k].
    pub(crate) fn conv2d(self, output: usize, x: &[f64], w: &[f64]) -> Vec<f64> {
        let ([n, _, _, c], k, [ho, wo]) = (self.dims, self.kernel, self.outputs());
        let mut out = vec![];
        for (image, i, j, o) in indices([n, ho, wo, output]) {
            let mut sum = 0.0;
            for (_, a, b, channel) in indices([1, k, k, c]) {
                if let Some(pixel) = self.under([i, j], [a, b]) {
                    sum += self.value(x, image, pixel, channel) * w[((o * c + channel) * k + a) * k + b];
                }
            }
            out.push(sum);
        }
        out
    }

    /// w is [C, 1, k, k].
    pub(crate) fn depthwise(self, x: &[f64], w: &[f64]) -> Vec<f64> {
        let ([n, _, _, c], k, [ho, wo]) = (self.dims, self.kernel, self.outputs());
        let mut out = vec![];
        for (image, i, j, channel) in indices([n, ho, wo, c]) {
            let mut sum = 0.0;
            for (_, _, a, b) in indices([1, 1, k, k]) {
                if let Some(pixel) = self.under([i, j], [a, b]) {
                    sum += self.value(x, image, pixel, channel) * w[(channel * k + a) * k + b];
                }
            }
            out.push(sum);
        }
        out
    }
}

fn indices([n, h, w, c]: [usize; 4]) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    (0..n * h * w * c).map(move |i| (i / (h * w * c), i / (w * c) % h, i / c % w, i % c))
}

/// x w^T: rows of as many values as w has columns.
pub(crate) fn product(columns: usize, x: &[f64], w: &[f64]) -> Vec<f64> {
    let dot = |x: &[f64], w: &[f64]| x.iter().zip(w).map(|(x, w)| x * w).sum();
    x.chunks_exact(columns).flat_map(|x| w.chunks_exact(columns).map(move |w| dot(x, w))).collect()
}

/// x w^T + b.
pub(crate) fn linear(x: &[f64], w: &[f64], b: &[f64]) -> Vec<f64> {
    let y = product(w.len() / b.len(), x, w);
    y.iter().enumerate().map(|(i, y)| y + b[i % b.len()]).collect()
}

/// Mean and biased variance of each channel, in two passes.
pub(crate) fn statistics(x: &[f64], channels: usize) -> [Vec<f64>; 2] {
    let n = (x.len() / channels) as f64;
    let column = |c: usize| x.iter().skip(c).step_by(channels);
    let mean: Vec<f64> = (0..channels).map(|c| column(c).sum::<f64>() / n).collect();
    let var = (0..channels).map(|c| column(c).map(|x| (x - mean[c]).powi(2)).sum::<f64>() / n).collect();
    [mean, var]
}

/// f(weight (x - mean) / sqrt(var + eps) + bias).
pub(crate) fn batch_norm(
    x: &[f64],
    [weight, bias]: [&[f64]; 2],
    [mean, var]: [&[f64]; 2],
    eps: f64,
    f: Activation,
) -> Vec<f64> {
    let scale: Vec<f64> = weight.iter().zip(var).map(|(weight, var)| weight / (var + eps).sqrt()).collect();
    let normal = |(i, x): (usize, &f64)| {
        let c = i % mean.len();
        activation(f, scale[c] * (x - mean[c]) + bias[c])
    };
    x.iter().enumerate().map(normal).collect()
}

pub(crate) fn activation(activation: Activation, z: f64) -> f64 {
    match activation {
        Activation::Identity => z,
        Activation::Swish => z * sigmoid(z),
        Activation::Relu6 => z.clamp(0.0, 6.0),
    }
}

pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The means of each image's channels.
pub(crate) fn pool([_, h, w, c]: [usize; 4], x: &[f64]) -> Vec<f64> {
    x.chunks_exact(h * w * c).flat_map(|image| statistics(image, c)[0].clone()).collect()
}

/// The parameters are those of a gate, in PyTorch's order.
pub(crate) fn squeeze_excitation(dims: [usize; 4], x: &[f64], parameters: &[Vec<f64>]) -> Vec<f64> {
    let [reduce, reduce_bias, expand, expand_bias] = parameters else { panic!("four parameters") };
    let [_, h, w, c] = dims;
    let hidden = linear(&pool(dims, x), reduce, reduce_bias);
    let hidden: Vec<f64> = hidden.iter().map(|x| x * sigmoid(*x)).collect();
    let gate: Vec<f64> = linear(&hidden, expand, expand_bias).into_iter().map(sigmoid).collect();
    x.iter().enumerate().map(|(i, x)| x * gate[i / (h * w * c) * c + i % c]).collect()
}

pub(crate) fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}
