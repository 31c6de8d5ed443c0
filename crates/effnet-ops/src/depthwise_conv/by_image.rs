//! The convolution an image at a time, between what makes its arguments and what looks at its results, so that all of it
//! happens in the cache.

use rayon::prelude::*;

use super::correlate::Correlation;
use super::weight_gradient::{add_weight_gradient, weight_gradient};
use crate::blocks::{PARTS, Source};
use crate::dispatch::Level;
use crate::elementwise::pointer;
use crate::parallel;
use crate::window::Window;

/// Images that are worth a task of their own; smaller ones stay in the cache together.
const LARGE: usize = 32 * 1024;

/// Whether there are enough large images to share out.
fn by_image(window: Window, channels: usize) -> bool {
    window.images >= PARTS / 2 && window.y.output * window.x.output * channels >= LARGE
}

/// y, and what `then` finds in some rows of it at a time, in their order; `taps` are [k, k, channels].
pub(crate) fn forward<T: Send>(
    level: Level,
    window: Window,
    x: &impl Source,
    taps: &[f32],
    then: impl Fn(&[f32]) -> T + Sync,
) -> (Vec<f32>, Vec<T>) {
    let (channels, area) = (x.columns(), window.y.output * window.x.output);
    if !by_image(window, channels) {
        let y = Correlation::forward(window, channels).run(level, &x.whole(), taps);
        let rows = (window.images * area).div_ceil(PARTS).max(32);
        let found = parallel::map(y.chunks(rows * channels).collect(), then);
        return (y, found);
    }
    let filter = Correlation::forward(Window { images: 1, ..window }, channels);
    let inputs = window.y.input * window.x.input;
    // SAFETY: `run_image` writes all of an image.
    unsafe {
        parallel::written_with(window.images * area * channels, area * channels, |image, out| {
            let mut scratch = vec![];
            let x = x.block(image * inputs..(image + 1) * inputs, &mut scratch);
            let out_pointer = pointer(out);
            filter.run_image(level, x, taps, out_pointer);
            then(std::slice::from_raw_parts(out_pointer, out.len()))
        })
    }
}

/// dx, dw [k, k, channels], and what `then` finds in some rows of dx at a time, which it may change; it gets the first
/// row's number.
pub(crate) fn backward<T: Send>(
    level: Level,
    window: Window,
    dy: &impl Source,
    x: &impl Source,
    taps: &[f32],
    then: impl Fn(usize, &mut [f32]) -> T + Sync,
) -> (Vec<f32>, Vec<f32>, Vec<T>) {
    let (channels, inputs) = (x.columns(), window.y.input * window.x.input);
    if !by_image(window, channels) {
        let dy = dy.whole();
        let dw = weight_gradient(level, window, channels, &x.whole(), &dy);
        let mut dx = Correlation::input_gradient(window, channels).run(level, &dy, taps);
        let rows = (window.images * inputs).div_ceil(PARTS).max(32);
        let pieces = dx.par_chunks_mut(rows * channels).enumerate();
        let found = pieces.map(|(i, dx)| then(i * rows, dx)).collect();
        return (dx, dw, found);
    }
    let one = Window { images: 1, ..window };
    let turned = Correlation::input_gradient(one, channels);
    let (area, images) = (window.y.output * window.x.output, window.images.div_ceil(PARTS));
    // SAFETY: `run_image` writes all of an image, and the images make up the part.
    let (dx, parts) = unsafe {
        parallel::written_with(window.images * inputs * channels, images * inputs * channels, |i, out| {
            let mut scratch = [vec![], vec![]];
            let mut dw = vec![0f32; taps.len()];
            let mut found = vec![];
            for (j, out) in out.chunks_mut(inputs * channels).enumerate() {
                let image = i * images + j;
                let [for_dy, for_x] = &mut scratch;
                let dy = dy.block(image * area..(image + 1) * area, for_dy);
                let x = x.block(image * inputs..(image + 1) * inputs, for_x);
                add_weight_gradient(level, one, channels, x, dy, &mut dw);
                let out_pointer = pointer(out);
                turned.run_image(level, dy, taps, out_pointer);
                found.push(then(image * inputs, std::slice::from_raw_parts_mut(out_pointer, out.len())));
            }
            (dw, found)
        })
    };
    let (dw, found): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    (dx, parallel::sum_in_order(dw), found.into_iter().flatten().collect())
}
