//! The inverted residual block in evaluation, by this crate's kernels.
//!
//! The expanded tensor, six times as wide as the block's input, is computed a tile of some channels and rows at a time, which
//! stays in a core's cache: expansion, depthwise convolution and activation of one tile after another. Only the result of the
//! depthwise convolution is stored whole, an image at a time, because squeeze and excitation needs the means over all of it.

use std::cell::RefCell;
use std::ops::Range;

use candle_core::{Result, Tensor};

use super::conv::rows_of;
use super::packed::{Packed, Places};
use super::parts::{FoldedParts, NAME};
use crate::activation::cpu::{Function, Identity, Sigmoid, Swish};
use crate::activation::{Activation, with_function};
use crate::channels::{self, ChannelUpdate, Rows};
use crate::depthwise_conv::{Filter, Tile as Lines, taps_first};
use crate::dispatch::{self, Level, level};
use crate::host;
use crate::parallel::{self, SharedPointer};
use crate::simd::Simd;
use crate::window::{Axis, Window};

/// Channels of a tile: all hidden widths of the family are multiples of it, or smaller.
const CHANNELS: usize = 48;

/// Values of a tile at most: 192 KiB.
const TILE: usize = 48 * 1024;

/// A block with its weights as the kernels read them, a tile of channels after another.
#[derive(Debug, Clone)]
pub(super) struct TiledMbConv {
    level: Level,
    input: usize,
    hidden: usize,
    /// The weights of each tile's channels.
    tiles: Vec<Tile>,
    /// Squeeze and excitation: to few channels and back.
    squeeze_excitation: Option<[Packed; 2]>,
    projection: Packed,
    kernel: usize,
    stride: usize,
    activation: Activation,
    skip: bool,
}

/// The weights of some channels.
#[derive(Debug, Clone)]
struct Tile {
    channels: Range<usize>,
    expansion: Option<Packed>,
    /// [k, k, channels].
    taps: Vec<f32>,
    bias: Vec<f32>,
}

impl TiledMbConv {
    /// The block of parts that fit, in the form that the present [level](crate::dispatch::level) reads.
    ///
    /// # Errors
    /// If a tensor of the gate is on the CPU and not f32.
    pub(super) fn new(parts: &FoldedParts<'_>) -> Result<Self> {
        let level = level();
        let FoldedParts { expansion, depthwise, squeeze_excitation, projection, .. } = parts;
        let [hidden, _, kernel, _] = depthwise.dims;
        let input = expansion.as_ref().map_or(hidden, |expansion| expansion.dims[1]);
        let tile = |first: usize| {
            let channels = first..(first + CHANNELS).min(hidden);
            let of =
                |values: &[f32], width: usize| values[channels.start * width..channels.end * width].to_vec();
            let expansion = expansion
                .as_ref()
                .map(|conv| Packed::new(level, &of(&conv.weight, input), &of(&conv.bias, 1)));
            let taps = taps_first(&of(&depthwise.weight, kernel * kernel), channels.len());
            let bias = of(&depthwise.bias, 1);
            Tile { channels, expansion, taps, bias }
        };
        let tiles = (0..hidden).step_by(CHANNELS).map(tile).collect();
        let squeeze_excitation = squeeze_excitation.as_ref().map(|gate| {
            host::read(NAME, gate.in_order(), |[reduce, reduce_bias, expand, expand_bias]| {
                Ok([Packed::new(level, reduce, reduce_bias), Packed::new(level, expand, expand_bias)])
            })
        });
        let squeeze_excitation = squeeze_excitation.transpose()?;
        let projection = Packed::new(level, &projection.weight, &projection.bias);
        Ok(Self {
            level,
            input,
            hidden,
            tiles,
            squeeze_excitation,
            projection,
            kernel,
            stride: parts.stride,
            activation: parts.activation,
            skip: parts.skip,
        })
    }

    /// The block's result for x, over which the windows of its depthwise convolution lie.
    ///
    /// # Errors
    /// If `x` is on the CPU and not f32.
    pub(super) fn forward(&self, window: Window, x: &Tensor) -> Result<Tensor> {
        let y = host::read(NAME, [x], |[x]| Ok(with_function!(self.activation, |f| self.run(window, x, f))))?;
        let Window { images, y: down, x: across } = window;
        host::tensor(y, (images, down.output, across.output, self.projection.outputs()))
    }

    fn run<F: Function>(&self, window: Window, x: &[f32], f: F) -> Vec<f32> {
        let image = window.y.output * window.x.output * self.projection.outputs();
        let inputs = window.y.input * window.x.input * self.input;
        let bands = self.bands(window);
        let mut y = Vec::with_capacity(window.images * image);
        let out = SharedPointer(y.as_mut_ptr());
        parallel::each(window.images, &|i| {
            let x = &x[i * inputs..(i + 1) * inputs];
            let depthwise = self.depthwise(&bands, window, x, f);
            // SAFETY: y has room for the images, this one is no other task's.
            unsafe {
                let skip = self.skip.then_some(x);
                rows_of(&self.projection, &depthwise, Identity, skip, SharedPointer(out.at(i * image)));
            }
        });
        // SAFETY: every task wrote all rows of its image.
        unsafe { y.set_len(window.images * image) };
        y
    }

    /// Output rows that are made together, so that the expanded rows under them stay in the cache.
    fn bands(&self, window: Window) -> Vec<Band> {
        let Window { y, x, .. } = window;
        let lines = TILE / (x.input * CHANNELS.min(self.hidden));
        let rows = (lines.saturating_sub(y.kernel - 1) / y.stride).max(1);
        (0..y.output).step_by(rows).map(|first| Band::new(y, first..(first + rows).min(y.output))).collect()
    }

    /// The input of one image's projection: expansion, depthwise convolution, activation and gate, [h w, H].
    fn depthwise<F: Function>(&self, bands: &[Band], window: Window, x: &[f32], f: F) -> Vec<f32> {
        let area = window.y.output * window.x.output;
        let mut depthwise = Vec::with_capacity(area * self.hidden);
        let out = SharedPointer(depthwise.as_mut_ptr());
        let sums = parallel::tasks(bands.len() * self.tiles.len(), &|task| {
            let (band, tile) = (&bands[task / self.tiles.len()], &self.tiles[task % self.tiles.len()]);
            // SAFETY: the band's rows of the tile's channels are inside, and no other task's.
            unsafe { self.tile(band, tile, window, x, f, out) }
        });
        // SAFETY: the tasks wrote all channels of all rows.
        unsafe { depthwise.set_len(area * self.hidden) };
        if let Some(layers) = &self.squeeze_excitation {
            let mut means = vec![0f64; self.hidden];
            for (task, sums) in sums.iter().enumerate() {
                let channels = self.tiles[task % self.tiles.len()].channels.clone();
                means[channels].iter_mut().zip(sums).for_each(|(mean, sum)| *mean += sum);
            }
            let means: Vec<f32> = means.iter().map(|sum| (sum / area as f64) as f32).collect();
            let gate = gate(layers, &means);
            let shape = Rows { groups: 1, rows: area, channels: self.hidden };
            let [] = channels::update(self.level, shape, &mut depthwise, [], [&gate], Gated);
        }
        depthwise
    }

    /// The band's rows of some channels, put in their places; the sums of these channels.
    ///
    /// # Safety
    /// `out` is writable for them in an image [h w, H].
    unsafe fn tile<F: Function>(
        &self,
        band: &Band,
        tile: &Tile,
        window: Window,
        x: &[f32],
        f: F,
        out: SharedPointer,
    ) -> Vec<f64> {
        let (across, width) = (window.x, tile.channels.len());
        let pixels = band.lines.start * across.input..band.lines.end * across.input;
        let x = &x[pixels.start * self.input..pixels.end * self.input];
        let mut sums = vec![0f64; width];
        SCRATCH.with_borrow_mut(|scratch| {
            let bordered = Bordered::new(band, window, width);
            let expanded = bordered.with_zeros(scratch);
            let first = bordered.first();
            match &tile.expansion {
                // SAFETY: all pixels of the band's lines have their places in the tile.
                Some(expansion) => unsafe {
                    let out = expanded[first..].as_mut_ptr();
                    expansion.product(x, 0..width, f, None, out, bordered.places(across.input));
                },
                None => {
                    for (line, pixels) in x.chunks_exact(across.input * self.input).enumerate() {
                        let line = &mut expanded[first + line * bordered.line()..];
                        for (to, pixel) in line.chunks_exact_mut(width).zip(pixels.chunks_exact(self.input)) {
                            to.copy_from_slice(&pixel[tile.channels.clone()]);
                        }
                    }
                }
            }
            let at = band.rows.start * across.output * self.hidden + tile.channels.start;
            let filter = Filter {
                tile: Lines { values: expanded, line: bordered.line(), first: 0, start: 0 },
                taps: &tile.taps,
                channels: width,
                kernel: [self.kernel; 2],
                stride: self.stride,
                bias: Some(&tile.bias),
                f,
                sums: Some(&mut sums),
                output: [band.rows.len(), across.output],
                out: out.at(at),
                out_strides: [across.output * self.hidden, self.hidden],
            };
            dispatch::run(self.level, filter);
        });
        sums
    }
}

thread_local! {
    /// Memory for a tile, reused by the next one.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(vec![]) };
}

/// Some output rows, and the input rows under their taps.
struct Band {
    rows: Range<usize>,
    lines: Range<usize>,
    /// Lines of zeros that the taps need before the first input row.
    before: usize,
}

impl Band {
    fn new(y: Axis, rows: Range<usize>) -> Self {
        let first = rows.start * y.stride;
        let end = ((rows.end - 1) * y.stride + y.kernel).saturating_sub(y.before);
        let lines = first.saturating_sub(y.before).min(y.input - 1)..end.clamp(1, y.input);
        let before = lines.start + y.before - first;
        Self { rows, lines, before }
    }
}

/// The shape of a tile with its border of zeros, [lines, across, width].
struct Bordered {
    lines: usize,
    across: usize,
    width: usize,
    /// Lines and columns of zeros before the first pixel.
    before: [usize; 2],
    /// Lines and columns of pixels.
    inside: [usize; 2],
}

impl Bordered {
    fn new(band: &Band, Window { y, x, .. }: Window, width: usize) -> Self {
        // Taps may leave the last lines or columns out, or need a border there.
        let inside = [band.lines.len(), x.input];
        let lines = ((band.rows.len() - 1) * y.stride + y.kernel).max(band.before + inside[0]);
        let across = ((x.output - 1) * x.stride + x.kernel).max(x.before + inside[1]);
        Self { lines, across, width, before: [band.before, x.before], inside }
    }

    /// Values of a line.
    fn line(&self) -> usize {
        self.across * self.width
    }

    /// Where the first pixel goes.
    fn first(&self) -> usize {
        self.before[0] * self.line() + self.before[1] * self.width
    }

    fn places(&self, columns: usize) -> Places {
        Places { stride: self.width, rows_a_line: columns, line_stride: self.line() }
    }

    /// Room for the tile in which the border is zero, and the rest whatever it was.
    fn with_zeros<'s>(&self, scratch: &'s mut Vec<f32>) -> &'s mut [f32] {
        let len = self.lines * self.line();
        if scratch.len() < len {
            scratch.resize(len, 0.0);
        }
        let tile = &mut scratch[..len];
        let [above, left] = self.before;
        let [lines, columns] = self.inside;
        for (i, line) in tile.chunks_exact_mut(self.line()).enumerate() {
            if (above..above + lines).contains(&i) {
                line[..left * self.width].fill(0.0);
                line[(left + columns) * self.width..].fill(0.0);
            } else {
                line.fill(0.0);
            }
        }
        tile
    }
}

/// What each channel of an image is multiplied by, from its means [H].
fn gate([reduce, expand]: &[Packed; 2], means: &[f32]) -> Vec<f32> {
    let mut few = vec![0f32; reduce.outputs()];
    let mut gate = vec![0f32; expand.outputs()];
    // SAFETY: one row each.
    unsafe {
        reduce.product(means, 0..few.len(), Swish { beta: 1.0 }, None, few.as_mut_ptr(), Places::apart(0));
        expand.product(&few, 0..gate.len(), Sigmoid, None, gate.as_mut_ptr(), Places::apart(0));
    }
    gate
}

/// y -> y gate.
#[derive(Clone, Copy)]
struct Gated;

impl ChannelUpdate<1, 1, 0> for Gated {
    #[inline(always)]
    fn update<S: Simd>(self, s: S, [y]: [S::F; 1], [gate]: [S::F; 1]) -> (S::F, [S::F; 0]) {
        (s.mul(y, gate), [])
    }
}
