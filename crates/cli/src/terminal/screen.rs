//! The terminal below a bar, whose width may change while the bar is there.
//!
//! A terminal that becomes narrower breaks the bar's line into several (xterm cuts it off instead), of which indicatif, which had
//! written one, would clear the last alone. The others would stay as rubbish.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, TermLike};

use crate::output::tell;

/// A line that stays, above the bar if there is one.
pub(super) fn tell_above(bar: Option<&ProgressBar>, line: &str) {
    match bar {
        Some(bar) => bar.suspend(|| tell(line)),
        None => tell(line),
    }
}

/// Draws on stderr.
pub(super) fn on_stderr() -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(Box::new(Screen::new(Term::buffered_stderr())), 15)
}

/// The columns of stderr.
pub(super) fn width() -> usize {
    usize::from(Term::stderr().size().1)
}

/// A terminal that clears all lines which the bar's line has become.
#[derive(Debug)]
struct Screen<T> {
    term: T,
    /// Columns of the line that the cursor is in, as it was written.
    written: AtomicUsize,
    /// Columns that the terminal had then.
    columns: Mutex<usize>,
}

impl<T: TermLike> Screen<T> {
    fn new(term: T) -> Self {
        let columns = Mutex::new(usize::from(term.width()));
        Self { term, written: AtomicUsize::new(0), columns }
    }

    /// Lines above the cursor's that the line has become parts of since it was written.
    fn lines_above(&self) -> usize {
        let now = usize::from(self.term.width()).max(1);
        let mut then = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        let above = match now < *then {
            true => self.written.load(Ordering::Relaxed).div_ceil(now).saturating_sub(1),
            false => 0,
        };
        *then = now;
        above
    }
}

impl<T: TermLike> TermLike for Screen<T> {
    fn width(&self) -> u16 {
        self.term.width()
    }

    fn height(&self) -> u16 {
        self.term.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.written.store(0, Ordering::Relaxed);
        self.term.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.written.fetch_add(console::measure_text_width(text), Ordering::Relaxed);
        self.term.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        for _ in 0..self.lines_above() {
            self.term.clear_line()?;
            self.term.move_cursor_up(1)?;
        }
        self.written.store(0, Ordering::Relaxed);
        self.term.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.term.flush()
    }
}
