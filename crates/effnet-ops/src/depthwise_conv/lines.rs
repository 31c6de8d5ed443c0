//! Some lines of an image with its border of zeros: so a filter needs no test at the border, and what it reads is in the cache.

use std::ops::Range;

use crate::row_source::RowSource;

/// Lines as a kernel reads them. They stand in a ring: the last is followed by the first.
#[derive(Clone, Copy)]
pub(crate) struct Tile<'a> {
    /// [lines, line].
    pub(crate) values: &'a [f32],
    /// Values of a line.
    pub(crate) line: usize,
    /// The line in the ring that is read as the first.
    pub(crate) first: usize,
    /// Where in a line the first value is.
    pub(crate) start: usize,
}

impl<'a> Tile<'a> {
    /// Panics if there are not so many lines, with so many values each.
    #[inline(always)]
    pub(crate) fn check(&self, lines: usize, values: usize) {
        let ring = self.ring();
        assert!(self.first < ring && lines <= ring && self.start + values <= self.line, "a tile");
    }

    #[inline(always)]
    fn ring(&self) -> usize {
        self.values.len() / self.line
    }

    /// Where `count` lines begin, from the n-th line on. Those that were checked are readable.
    #[inline(always)]
    pub(crate) fn lines_from(self, n: usize, count: usize) -> impl Iterator<Item = *const f32> + use<'a> {
        let ring = self.ring();
        let mut line = (self.first + n) % ring;
        (0..count).map(move |_| {
            let at = self.values.as_ptr().wrapping_add(line * self.line + self.start);
            line = if line + 1 == ring { 0 } else { line + 1 };
            at
        })
    }
}

/// Above every image.
const NONE: Range<isize> = isize::MIN..isize::MIN;

/// Lines of an image that move down it: what was read stays where it is, in the ring.
pub(super) struct Lines<'a> {
    source: &'a dyn RowSource,
    /// The image's first row in the source.
    image: usize,
    /// Height and width.
    size: [usize; 2],
    /// Columns of zeros before the first.
    left: usize,
    /// Columns with those of zeros.
    across: usize,
    /// Those that are there; they may lie outside of the image.
    held: Range<isize>,
    ring: usize,
    values: Vec<f32>,
}

impl<'a> Lines<'a> {
    /// A ring of `ring` lines for images of this size; `border` is the number of columns of zeros before and after a line.
    pub(super) fn new(source: &'a dyn RowSource, size: [usize; 2], border: [usize; 2], ring: usize) -> Self {
        let across = border[0] + size[1] + border[1];
        let values = vec![0.0; ring * across * source.columns()];
        Self { source, image: 0, size, left: border[0], across, held: NONE, ring, values }
    }

    /// Starts the i-th image.
    pub(super) fn of_image(&mut self, i: usize) {
        self.image = i * self.size[0] * self.size[1];
        self.held = NONE;
    }

    /// Computes these lines, unless the ring has them already. Within an image the lines only move down; they fit the ring.
    pub(super) fn move_to(&mut self, lines: Range<isize>) {
        assert!(lines.len() <= self.ring, "lines for which there is room");
        let [height, width] = self.size;
        let channels = self.source.columns();
        for line in self.held.end.max(lines.start)..lines.end {
            let slot = self.slot(line) * self.across * channels;
            let first = slot + self.left * channels;
            let to = &mut self.values[first..first + width * channels];
            match usize::try_from(line).ok().filter(|line| *line < height) {
                Some(line) => {
                    let first = self.image + line * width;
                    self.source.put(first..first + width, to);
                }
                None => to.fill(0.0),
            }
        }
        self.held = lines;
    }

    fn slot(&self, line: isize) -> usize {
        line.rem_euclid(self.ring as isize) as usize
    }

    /// Read from a line and a column on.
    pub(super) fn tile(&self, line: isize, column: isize) -> Tile<'_> {
        let channels = self.source.columns();
        let start = (self.left as isize + column) as usize * channels;
        Tile { values: &self.values, line: self.across * channels, first: self.slot(line), start }
    }
}
