//! The convolution an image at a time, so that computing its arguments, the convolution, and reducing its result all happen in
//! the cache: some rows of the result from the [`Lines`] under their taps, and then the next.
//!
//! Small images go through [`Correlation`] instead. It has no border of zeros: in a map of 2 x 2 pixels a 5 x 5 kernel has 25
//! taps, of which it computes the 4 that are inside.

use super::correlate::Correlation;
use super::filter::Filter;
use super::lines::Lines;
use super::transposed::TransposedFilter;
use super::weight_gradient::{TapProducts, weight_gradient};
use crate::activation::cpu::Identity;
use crate::dispatch::{self, Level};
use crate::elementwise::pointer;
use crate::fused_matmul::PARTS;
use crate::parallel;
use crate::row_source::RowSource;
use crate::window::Window;

/// Values of the result from which on an image is a task of its own; smaller images stay in the cache together.
const LARGE: usize = 32 * 1024;

/// About how many values of lines are held at a time: 192 KiB.
const HELD: usize = 48 * 1024;

/// Whether there are enough large images to give each thread its own.
fn by_image(window: Window, channels: usize) -> bool {
    window.images >= PARTS / 2 && window.y.output * window.x.output * channels >= LARGE
}

/// The result y, and what `then` returns for each run of its rows, in their order; `taps` are [k, k, channels].
pub(crate) fn forward<T: Send>(
    level: Level,
    window: Window,
    x: &dyn RowSource,
    taps: &[f32],
    then: &(dyn Fn(&[f32]) -> T + Sync),
) -> (Vec<f32>, Vec<T>) {
    let Window { images, y: down, x: across } = window;
    let (channels, area) = (x.columns(), down.output * across.output);
    if !by_image(window, channels) {
        let y = Correlation::forward(window, channels).run(level, &x.whole(), taps);
        let rows = (images * area).div_ceil(PARTS).max(32);
        let results = parallel::map(y.chunks(rows * channels).collect(), then);
        return (y, results);
    }
    let (kernel, stride) = (down.kernel, down.stride);
    let border = across.border();
    let line = (border[0] + across.input + border[1]) * channels;
    let rows = ((HELD / line).saturating_sub(kernel - 1) / stride).max(1);
    let row = across.output * channels;
    // `then` gets some hundred pixels at a time.
    let run = rows * 128usize.div_ceil(rows * across.output);
    // SAFETY: the bands make up an image, and the filter writes all of a band.
    let (y, results) = unsafe {
        parallel::written_with(images * area * channels, area * channels, &|image, out| {
            let ring = (rows - 1) * stride + kernel;
            let mut lines = Lines::new(x, [down.input, across.input], border, ring);
            lines.of_image(image);
            let mut results = vec![];
            let mut first = 0;
            for out in out.chunks_mut(run * row) {
                for out in out.chunks_mut(rows * row) {
                    let rows = first..first + out.len() / row;
                    first = rows.end;
                    let under = down.lines_under(rows.clone());
                    lines.move_to(under.clone());
                    let filter = Filter {
                        tile: lines.tile(under.start, -(across.before as isize)),
                        taps,
                        channels,
                        kernel: [kernel; 2],
                        stride,
                        bias: None,
                        f: Identity,
                        sums: None,
                        output: [rows.len(), across.output],
                        out: pointer(out),
                        out_strides: [row, channels],
                    };
                    dispatch::run(level, filter);
                }
                results.push(then(std::slice::from_raw_parts(pointer(out), out.len())));
            }
            results
        })
    };
    (y, results.into_iter().flatten().collect())
}

/// dx, dw [k, k, channels], and what `then` returns for each run of rows of dx, which it may change. It gets the number of the
/// first row too.
pub(crate) fn backward<T: Send>(
    level: Level,
    window: Window,
    dy: &dyn RowSource,
    x: &dyn RowSource,
    taps: &[f32],
    then: &(dyn Fn(usize, &mut [f32]) -> T + Sync),
) -> (Vec<f32>, Vec<f32>, Vec<T>) {
    let Window { y: down, x: across, .. } = window;
    let (channels, inputs) = (x.columns(), down.input * across.input);
    if !by_image(window, channels) {
        let dy = dy.whole();
        let dw = weight_gradient(level, window, channels, &x.whole(), &dy);
        let mut dx = Correlation::input_gradient(window, channels).run(level, &dy, taps);
        let rows = (window.images * inputs).div_ceil(PARTS).max(32);
        let pieces: Vec<_> = dx.chunks_mut(rows * channels).enumerate().collect();
        let results = parallel::map(pieces, &|(i, dx)| then(i * rows, dx));
        return (dx, dw, results);
    }
    let (kernel, stride) = (down.kernel, down.stride);
    let transposed = TransposedFilter::all(window, taps, channels);
    let [above, below] = transposed.iter().fold([0, 0], |halo, filter| filter.halo(0, halo));
    let mut halo_across = transposed.iter().fold([0, 0], |halo, filter| filter.halo(1, halo));
    // Pixels after those under taps have columns of zeros of dy.
    halo_across[1] += across.input.div_ceil(stride).saturating_sub(across.output);
    let border = across.border();
    let line_of_x = (border[0] + across.input + border[1]) * channels;
    let line_of_dy = (halo_across[0] + across.output + halo_across[1]) * channels;
    let fixed = kernel.saturating_sub(stride) * line_of_x + (above + below) * line_of_dy;
    // Beside the lines of x there are those that they are computed from, and those of dx.
    let rows = ((2 * HELD).saturating_sub(fixed) / (3 * stride * line_of_x + 2 * line_of_dy)).max(1);
    let row = across.input * channels;
    let images = window.images.div_ceil(PARTS);
    // SAFETY: the bands make up an image, the images make up the part, and the transposed filters write all of a band.
    let (dx, parts) = unsafe {
        parallel::written_with(window.images * inputs * channels, images * inputs * channels, &|i, out| {
            let mut lines = Lines::new(x, [down.input, across.input], border, (rows - 1) * stride + kernel);
            let size = [down.output, across.output];
            let mut lines_of_dy = Lines::new(dy, size, halo_across, rows + above + below);
            let mut dw = vec![0f32; taps.len()];
            let mut results = vec![];
            for (j, out) in out.chunks_mut(inputs * channels).enumerate() {
                let image = i * images + j;
                lines.of_image(image);
                lines_of_dy.of_image(image);
                for (band, out) in out.chunks_mut(rows * stride * row).enumerate() {
                    let first = band * rows;
                    let (height, out_pointer) = (out.len() / row, pointer(out));
                    // The last pixels may be under no tap, and so have no row of dy.
                    let (start, end) = (first as isize, (first + height.div_ceil(stride)) as isize);
                    lines_of_dy.move_to(start - above as isize..end + below as isize);
                    let rows = first..(first + rows).min(down.output);
                    if !rows.is_empty() {
                        let under = down.lines_under(rows.clone());
                        lines.move_to(under.clone());
                        let products = TapProducts {
                            x: lines.tile(under.start, -(across.before as isize)),
                            dy: lines_of_dy.tile(start, 0),
                            output: [rows.len(), across.output],
                            channels,
                            kernel,
                            stride,
                            out: &mut dw,
                        };
                        dispatch::run(level, products);
                    }
                    for phase in &transposed {
                        let [y, x] = phase.first;
                        let output = [
                            height.saturating_sub(y).div_ceil(stride),
                            across.input.saturating_sub(x).div_ceil(stride),
                        ];
                        if output.contains(&0) {
                            continue;
                        }
                        let filter = Filter {
                            tile: lines_of_dy.tile(start + phase.offset[0], phase.offset[1]),
                            taps: &phase.taps,
                            channels,
                            kernel: phase.kernel,
                            stride: 1,
                            bias: None,
                            f: Identity,
                            sums: None,
                            output,
                            out: out_pointer.add(y * row + x * channels),
                            out_strides: [stride * row, stride * channels],
                        };
                        dispatch::run(level, filter);
                    }
                    let dx = std::slice::from_raw_parts_mut(out_pointer, out.len());
                    results.push(then(image * inputs + first * stride * across.input, dx));
                }
            }
            (dw, results)
        })
    };
    let (dw, results): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    (dx, parallel::sum_in_order(dw), results.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::dispatch::available;
    use crate::row_source::StoredRows;
    use crate::window::Padding;

    fn values(n: usize, seed: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 + seed * 31) % 201) as f32 / 100.0 - 1.0).collect()
    }

    fn near(got: &[f32], expected: &[f32], scale: f32, what: &str) {
        assert_eq!(got.len(), expected.len(), "{what}");
        for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
            assert!((got - expected).abs() < 1e-5 * scale, "{what}, {i}: {got}, not {expected}");
        }
    }

    const PADDINGS: [Padding; 4] =
        [Padding::Symmetric, Padding::Same, Padding::Fixed(224), Padding::Fixed(15)];

    /// Kernel, stride, height and width: taps that leave pixels out, phases without taps, several bands, and images so wide
    /// that a band is one row.
    const SHAPES: [[usize; 4]; 8] = [
        [1, 1, 24, 20],
        [1, 2, 48, 40],
        [3, 1, 24, 20],
        [3, 2, 47, 42],
        [5, 1, 20, 24],
        [5, 2, 48, 41],
        [5, 3, 61, 62],
        [7, 1, 12, 45],
    ];

    #[test]
    fn large_images_in_bands_equal_the_convolution_as_a_whole() {
        let channels = 83;
        for level in available() {
            for [kernel, stride, height, width] in SHAPES {
                for padding in PADDINGS {
                    let what = format!("{level:?}, {kernel}, {stride}, {height} x {width}, {padding:?}");
                    let x =
                        Tensor::zeros((8, height, width, channels), candle_core::DType::F32, &Device::Cpu);
                    let window = Window::over("a test", &x.unwrap(), kernel, stride, padding).unwrap();
                    assert!(by_image(window, channels), "{what}: large images");
                    let x = values(8 * height * width * channels, 1);
                    let dy = values(8 * window.y.output * window.x.output * channels, 2);
                    let taps = values(kernel * kernel * channels, 3);
                    let (stored_x, stored_dy) = (
                        StoredRows { values: &x, columns: channels },
                        StoredRows { values: &dy, columns: channels },
                    );

                    let whole = Correlation::forward(window, channels).run(level, &x, &taps);
                    let (y, results) = forward(level, window, &stored_x, &taps, &<[f32]>::to_vec);
                    near(&y, &whole, 10.0, &what);
                    assert_eq!(results.concat(), y, "{what}: what is seen of y");

                    let whole = Correlation::input_gradient(window, channels).run(level, &dy, &taps);
                    let seen = |first: usize, dx: &mut [f32]| {
                        let seen = (first, dx.to_vec());
                        dx.iter_mut().for_each(|dx| *dx *= 2.0);
                        seen
                    };
                    let (dx, dw, results) = backward(level, window, &stored_dy, &stored_x, &taps, &seen);
                    let half: Vec<f32> = dx.iter().map(|dx| dx / 2.0).collect();
                    near(&half, &whole, 10.0, &what);
                    let mut row = 0;
                    for (first, seen) in results {
                        assert_eq!(first, row, "{what}: rows in their order");
                        assert_eq!(seen, half[row * channels..][..seen.len()], "{what}: what is seen of dx");
                        row += seen.len() / channels;
                    }
                    assert_eq!(row * channels, dx.len(), "{what}: all of dx is seen");

                    let whole = weight_gradient(level, window, channels, &x, &dy);
                    let sums = (8 * window.y.output * window.x.output) as f32;
                    near(&dw, &whole, sums.sqrt(), &what);
                }
            }
        }
    }
}
