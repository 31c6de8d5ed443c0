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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU16;

    use super::*;

    /// Keeps what is done with it.
    #[derive(Debug)]
    struct Recorder {
        width: AtomicU16,
        done: Mutex<Vec<String>>,
    }

    impl Recorder {
        fn record(&self, what: &str) -> io::Result<()> {
            self.done.lock().unwrap().push(what.to_owned());
            Ok(())
        }
    }

    impl TermLike for Recorder {
        fn width(&self) -> u16 {
            self.width.load(Ordering::Relaxed)
        }

        fn move_cursor_up(&self, n: usize) -> io::Result<()> {
            self.record(&format!("up {n}"))
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            self.record("down")
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            self.record("right")
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            self.record("left")
        }

        fn write_line(&self, _: &str) -> io::Result<()> {
            self.record("line")
        }

        fn write_str(&self, _: &str) -> io::Result<()> {
            self.record("text")
        }

        fn clear_line(&self) -> io::Result<()> {
            self.record("clear")
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_that_a_narrower_terminal_has_broken_is_cleared_whole() {
        for (narrower, expected) in [
            (80, &["clear"][..]),
            (100, &["clear"]),
            (60, &["clear", "up 1", "clear"]),
            (30, &["clear", "up 1", "clear", "up 1", "clear"]),
        ] {
            let screen = Screen::new(Recorder { width: AtomicU16::new(80), done: Mutex::default() });
            // As indicatif does: the text, then blanks up to the right side.
            screen.write_str(&"x".repeat(50)).unwrap();
            screen.write_str(&" ".repeat(30)).unwrap();
            screen.term.width.store(narrower, Ordering::Relaxed);
            screen.term.done.lock().unwrap().clear();
            screen.clear_line().unwrap();
            assert_eq!(*screen.term.done.lock().unwrap(), expected, "{narrower}");
            // What is written now has the new width.
            screen.write_str("short").unwrap();
            screen.term.done.lock().unwrap().clear();
            screen.clear_line().unwrap();
            assert_eq!(*screen.term.done.lock().unwrap(), ["clear"], "{narrower}");
        }
    }
}
