//! Where the windows of a convolution lie, along one axis at a time.

use std::ops::Range;

use candle_core::{Result, Tensor};

use crate::error::shape_error;

/// How a convolution with an odd kernel of size k goes over the border of its input, which counts
/// as surrounded by zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Padding {
    /// k / 2 on each side, as PyTorch's `padding=k // 2`: output floor((size - 1) / stride) + 1.
    Symmetric,
    /// TensorFlow's SAME: output ceil(size / stride), and just as many zeros as that takes, the odd
    /// one after the input. It depends on the size of the input, and differs from `Symmetric` at stride 2.
    Same,
    /// The zeros that SAME takes at this size, whatever the input's size (lukemelas's EfficientNet-PyTorch, whose networks are
    /// built for one size): output floor((size + zeros - k) / stride) + 1. An input that with its zeros is shorter than the
    /// kernel has no output.
    Fixed(usize),
}

impl Padding {
    /// The zeros that the windows touch before the first value of an axis and after its last; `[0, 0]` if there is no output.
    ///
    /// ```
    /// use effnet_ops::Padding;
    /// assert_eq!(Padding::Symmetric.border(224, 3, 2), [1, 0]);
    /// assert_eq!(Padding::Same.border(224, 3, 2), [0, 1]);
    /// ```
    pub fn border(self, input: usize, kernel: usize, stride: usize) -> [usize; 2] {
        Axis::new(input, kernel, stride, self).map_or([0, 0], |axis| axis.border())
    }

    /// Size of the output along an axis. It is 0 if the input is too small, which happens with [`Padding::Fixed`] only.
    ///
    /// ```
    /// use effnet_ops::Padding;
    /// let outputs = |padding: Padding| padding.outputs(65, 3, 2);
    /// assert_eq!([Padding::Symmetric, Padding::Same, Padding::Fixed(224)].map(outputs), [33, 33, 32]);
    /// ```
    pub fn outputs(self, input: usize, kernel: usize, stride: usize) -> usize {
        Axis::new(input, kernel, stride, self).map_or(0, |axis| axis.output)
    }

    /// The padding of the convolutions after one of this stride: the size that a fixed padding is for shrinks with the images.
    ///
    /// ```
    /// use effnet_ops::Padding;
    /// assert_eq!(Padding::Fixed(65).after_stride(2), Padding::Fixed(33));
    /// assert_eq!(Padding::Same.after_stride(2), Padding::Same);
    /// ```
    #[must_use]
    pub fn after_stride(self, stride: usize) -> Self {
        match self {
            Self::Fixed(size) => Self::Fixed(size.div_ceil(stride)),
            Self::Symmetric | Self::Same => self,
        }
    }
}

/// One axis of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    /// Zeros before the first value.
    pub(crate) before: usize,
}

impl Axis {
    /// None if there is no output.
    fn new(input: usize, kernel: usize, stride: usize, padding: Padding) -> Option<Self> {
        let same = |size: usize| {
            let output = size.div_ceil(stride);
            (output.saturating_sub(1) * stride + kernel).saturating_sub(size)
        };
        let (before, zeros) = match padding {
            Padding::Symmetric => (kernel / 2, kernel - 1),
            Padding::Same => (same(input) / 2, same(input)),
            Padding::Fixed(size) => (same(size) / 2, same(size)),
        };
        let output = match padding {
            // A stride above the kernel's size leaves the last values out.
            Padding::Same => input.div_ceil(stride),
            Padding::Symmetric | Padding::Fixed(_) => (input + zeros).checked_sub(kernel)? / stride + 1,
        };
        Some(Self { input, output, kernel, stride, before })
    }

    /// The input under tap `k` of output `o`, if it is not a zero of the border.
    pub(crate) fn under(&self, o: usize, k: usize) -> Option<usize> {
        (o * self.stride + k).checked_sub(self.before).filter(|i| *i < self.input)
    }

    /// The zeros that some tap touches, before the first value and after the last.
    pub(crate) fn border(&self) -> [usize; 2] {
        let end = (self.output - 1) * self.stride + self.kernel;
        [self.before, end.saturating_sub(self.before + self.input)]
    }

    /// The inputs under the taps of some outputs; those of the border are below 0, or not below the input's size.
    pub(crate) fn lines_under(&self, outputs: Range<usize>) -> Range<isize> {
        let first = (outputs.start * self.stride) as isize - self.before as isize;
        first..first + ((outputs.len() - 1) * self.stride + self.kernel) as isize
    }

    /// The outputs for which tap `k` is inside the input.
    pub(crate) fn outputs_of_tap(&self, k: usize) -> Range<usize> {
        let first = self.before.saturating_sub(k).div_ceil(self.stride);
        let end = match (self.input + self.before).checked_sub(k + 1) {
            Some(last) => (last / self.stride + 1).min(self.output),
            None => 0,
        };
        first.min(end)..end
    }
}

/// A two-dimensional convolution's shapes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) images: usize,
    pub(crate) y: Axis,
    pub(crate) x: Axis,
}

impl Window {
    /// The windows of a convolution, from the shapes of x and w.
    ///
    /// # Errors
    /// If x is not [N, H, W, C] with no dimension 0, the kernel not square and odd, the stride 0, or x smaller than the
    /// kernel with a padding that is fixed.
    pub(crate) fn new(
        op: &'static str,
        x: &[usize],
        w: &[usize],
        stride: usize,
        padding: Padding,
    ) -> Result<Self> {
        let kernel = match *w {
            [_, _, k, k2] if k == k2 => k,
            _ => 0,
        };
        Self::of(x, kernel, stride, padding).ok_or_else(|| {
            let arguments = [("x", x), ("w", w), ("stride", &[stride])];
            let expected =
                "x [N, H, W, C] that w [.., .., k, k] with k odd fits in with its zeros, a stride of 1 or more";
            shape_error(op, &arguments, expected)
        })
    }

    /// The windows of a k x k kernel over x.
    ///
    /// # Errors
    /// The errors of [`Window::new`].
    pub(crate) fn over(
        op: &'static str,
        x: &Tensor,
        k: usize,
        stride: usize,
        padding: Padding,
    ) -> Result<Self> {
        Self::of(x.dims(), k, stride, padding).ok_or_else(|| {
            let arguments = [("x", x.dims()), ("kernel", &[k, k]), ("stride", &[stride])];
            let expected =
                "x [N, H, W, C] that a kernel k x k with k odd fits in with its zeros, a stride of 1 or more";
            shape_error(op, &arguments, expected)
        })
    }

    fn of(x: &[usize], kernel: usize, stride: usize, padding: Padding) -> Option<Self> {
        let &[images, h, width, channels] = x else { return None };
        if images * h * width * channels == 0 || kernel.is_multiple_of(2) || stride == 0 {
            return None;
        }
        let axis = |size| Axis::new(size, kernel, stride, padding);
        Some(Self { images, y: axis(h)?, x: axis(width)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symmetric_padding_is_that_of_pytorch() {
        // torch.nn.Conv2d(1, 1, k, s, padding=k // 2) on a width of 7: 7, 4, 7, 4.
        for (k, s, output) in [(3, 1, 7), (3, 2, 4), (5, 1, 7), (5, 2, 4)] {
            let axis = Axis::new(7, k, s, Padding::Symmetric).unwrap();
            assert_eq!((axis.output, axis.before), (output, k / 2));
        }
    }

    #[test]
    fn same_padding_is_that_of_tensorflow() {
        // tf.nn.conv2d, SAME: total = max((ceil(n / s) - 1) s + k - n, 0), the smaller half first.
        for (n, k, s, output, before) in [
            (224, 3, 2, 112, 0),
            (225, 3, 2, 113, 1),
            (8, 5, 2, 4, 1),
            (7, 5, 2, 4, 2),
            (1, 5, 2, 1, 2),
            (5, 1, 2, 3, 0),
        ] {
            let axis = Axis::new(n, k, s, Padding::Same).unwrap();
            assert_eq!((axis.output, axis.before), (output, before), "{n} {k} {s}");
        }
    }

    #[test]
    fn fixed_padding_is_that_of_conv2d_static_same_padding() {
        // efficientnet_pytorch.utils.Conv2dStaticSamePadding(1, 1, k, stride=s, image_size=size) on n values.
        for (size, n, k, s, output, before) in [
            (224, 224, 3, 2, 112, 0),
            (224, 65, 3, 2, 32, 0),
            (65, 64, 3, 2, 32, 1),
            (7, 7, 5, 2, 4, 2),
            (14, 7, 5, 2, 3, 1),
            (14, 2, 5, 2, 1, 1),
            (224, 9, 5, 1, 9, 2),
        ] {
            let axis = Axis::new(n, k, s, Padding::Fixed(size)).unwrap();
            assert_eq!((axis.output, axis.before), (output, before), "{size} {n} {k} {s}");
        }
        assert_eq!(Axis::new(1, 5, 2, Padding::Fixed(14)), None, "PyTorch refuses 1 + 3 values under 5 taps");
        assert_eq!(Padding::Fixed(14).outputs(1, 5, 2), 0);
        assert_eq!(Padding::Fixed(65).after_stride(2), Padding::Fixed(33));
    }

    #[test]
    fn the_outputs_of_a_tap_are_those_it_is_inside_the_input_for() {
        for padding in [Padding::Symmetric, Padding::Same, Padding::Fixed(1), Padding::Fixed(8)] {
            for (n, k, s) in (1..9)
                .flat_map(|n| [1, 3, 5, 7].map(|k| (n, k)))
                .flat_map(|(n, k)| [1, 2, 3].map(|s| (n, k, s)))
            {
                let Some(axis) = Axis::new(n, k, s, padding) else {
                    assert!(n < k && matches!(padding, Padding::Fixed(_)), "{padding:?} size {n} kernel {k}");
                    continue;
                };
                for tap in 0..k {
                    let slow: Vec<usize> =
                        (0..axis.output).filter(|o| axis.under(*o, tap).is_some()).collect();
                    let fast: Vec<usize> = axis.outputs_of_tap(tap).collect();
                    assert_eq!(fast, slow, "{padding:?} size {n} kernel {k} stride {s} tap {tap}");
                }
            }
        }
    }
}
