//! A picture of a network, drawn from the plan that it is built from.

use crate::arch::Arch;
use crate::error::Result;
use crate::plan::BlockPlan;

/// Widths and heights in the picture's own units.
const MARGIN: f64 = 24.0;
const SLAB: f64 = 10.0;
const SLAB_STEP: f64 = 14.0;
const NARROWEST: f64 = 92.0;
const TALLEST: f64 = 190.0;
const TOP: f64 = 64.0;
const LINE: f64 = 15.0;
const HEIGHT: f64 = 400.0;

/// Fills: of layers without a depthwise convolution, and of blocks by the side of their depthwise kernel.
const PLAIN: &str = "#9aa3ad";
const KERNELS: [(usize, &str); 2] = [(3, "#4c86c6"), (5, "#e08a3c")];

/// A group of slabs with lines of text below it.
struct Part {
    slabs: Vec<Slab>,
    text: Vec<String>,
}

/// A layer: as tall as its output's side says, on a scale of square roots.
struct Slab {
    fill: &'static str,
    side: usize,
    strides: bool,
    skips: bool,
}

impl Arch {
    /// An SVG of the network for images of [`Arch::size`] pixels: a slab for each block, as tall as its feature map is large and
    /// coloured by its depthwise kernel; arcs are skip connections.
    ///
    /// ```
    /// let svg = effnet_model::Arch::by_name("b0")?.figure(1000)?;
    /// assert!(svg.contains("MBConv6 5x5"));
    /// # Ok::<(), effnet_model::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::InvalidArch`] as [`Arch::check`].
    pub fn figure(&self, classes: usize) -> Result<String> {
        let parts = parts(self, classes)?;
        let cost = self.cost(classes)?;
        let tallest = parts.iter().flat_map(|part| &part.slabs).map(|slab| slab.side).max().unwrap_or(1);
        let mut x = MARGIN;
        let mut body = String::new();
        for part in &parts {
            let width = (part.slabs.len() as f64 * SLAB_STEP).max(NARROWEST);
            draw(&mut body, part, x, width, tallest);
            x += width;
        }
        let title = format!(
            "{}, {} px: {:.2} M parameters, {:.2} G multiply-accumulates",
            self.name,
            self.size,
            cost.parameters as f64 / 1e6,
            cost.macs as f64 / 1e9
        );
        let width = x + MARGIN;
        Ok(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {HEIGHT:.0}\" font-family=\"sans-serif\" \
             font-size=\"12\" text-anchor=\"middle\" role=\"img\" aria-label=\"{title}\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"{:.0}\" y=\"30\" font-size=\"15\">{title}</text>\n{body}{}</svg>\n",
            width / 2.0,
            legend(width / 2.0)
        ))
    }
}

/// Stem, stages, head, and the classifier with its pooling.
fn parts(arch: &Arch, classes: usize) -> Result<Vec<Part>> {
    let plan = arch.plan()?;
    let plain = |side| Slab { fill: PLAIN, side, strides: false, skips: false };
    let square = |side: usize| format!("{side} x {side}");
    let mut sizes = arch.feature_map_sizes().into_iter();
    let mut side = sizes.next().unwrap_or_default();
    let mut parts = vec![Part {
        slabs: vec![Slab { strides: arch.stem_stride > 1, ..plain(side) }],
        text: vec!["stem".to_owned(), "conv 3x3".to_owned(), channels(plan.stem), square(side)],
    }];
    for (number, stage) in plan.stages.iter().enumerate() {
        let mut slabs = Vec::new();
        for block in stage {
            side = sizes.next().unwrap_or_default();
            let fill =
                KERNELS.iter().find(|(kernel, _)| *kernel == block.kernel).map_or(PLAIN, |(_, fill)| fill);
            slabs.push(Slab { fill, side, strides: block.stride > 1, skips: block.has_skip() });
        }
        let first = stage.first().map(form).unwrap_or_default();
        let output = stage.last().map_or(0, |block| block.output);
        let text =
            vec![format!("stage {} ({}x)", number + 1, stage.len()), first, channels(output), square(side)];
        parts.push(Part { slabs, text });
    }
    let head = ["head".to_owned(), "conv 1x1".to_owned(), channels(plan.head), square(side)];
    parts.push(Part { slabs: vec![plain(side)], text: head.to_vec() });
    let classifier = ["pooling,".to_owned(), "classifier".to_owned(), format!("{classes} classes")];
    parts.push(Part { slabs: vec![plain(1)], text: classifier.to_vec() });
    Ok(parts)
}

/// The block's name in the paper's table 1.
fn form(block: &BlockPlan) -> String {
    format!("MBConv{} {k}x{k}", block.hidden / block.input, k = block.kernel)
}

fn channels(count: usize) -> String {
    format!("{count} channels")
}

fn draw(out: &mut String, part: &Part, left: f64, width: f64, tallest: usize) {
    let middle = left + width / 2.0;
    let centre = TOP + TALLEST / 2.0;
    let mut x = middle - part.slabs.len() as f64 * SLAB_STEP / 2.0 + (SLAB_STEP - SLAB) / 2.0;
    for slab in &part.slabs {
        let height = TALLEST * (slab.side as f64 / tallest as f64).sqrt();
        let top = centre - height / 2.0;
        *out += &format!(
            "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{SLAB}\" height=\"{height:.1}\" rx=\"2\" fill=\"{}\"/>\n",
            slab.fill
        );
        if slab.skips {
            let (from, to, over) = (x - 3.0, x + SLAB + 3.0, top - 12.0);
            *out += &format!(
                "<path d=\"M{from:.1} {top:.1} C{from:.1} {over:.1} {to:.1} {over:.1} {to:.1} {top:.1}\" fill=\"none\" \
                 stroke=\"#444\"/>\n"
            );
        }
        if slab.strides {
            *out += &format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\">/2</text>\n",
                x + SLAB / 2.0,
                top - 5.0
            );
        }
        x += SLAB_STEP;
    }
    for (line, text) in part.text.iter().enumerate() {
        let y = TOP + TALLEST + 24.0 + line as f64 * LINE;
        let weight = if line == 0 { " font-weight=\"bold\"" } else { "" };
        *out += &format!("<text x=\"{middle:.1}\" y=\"{y:.1}\"{weight}>{text}</text>\n");
    }
}

fn legend(middle: f64) -> String {
    let entries = [
        (KERNELS[0].1, "block, depthwise 3x3"),
        (KERNELS[1].1, "block, depthwise 5x5"),
        (PLAIN, "convolution; pooled feature"),
    ];
    let mut text = String::new();
    for (place, (fill, name)) in entries.into_iter().enumerate() {
        let x = middle - 330.0 + 190.0 * place as f64;
        let y = HEIGHT - 28.0;
        text += &format!(
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{SLAB}\" height=\"{SLAB}\" rx=\"2\" fill=\"{fill}\"/>\n\
             <text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"start\">{name}</text>\n",
            y - 9.0,
            x + 16.0
        );
    }
    text + &format!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"start\">arc: skip; /2: stride 2</text>\n",
        middle + 250.0,
        HEIGHT - 28.0
    )
}
