//! Terminals as people have them: narrow ones, mistyped words, names that a terminal would obey, colours, help.

mod colours;
mod failures;
mod help;
mod mistyped;
#[cfg(unix)]
mod odd_names;
mod start;
#[cfg(unix)]
mod widths;

use std::process::Output;

use super::super::setup::{Folder, csv_rows, json, npy, read, train_args};

/// Names with what a terminal obeys: a colour, a line end, and the mark that turns the direction of writing.
#[cfg(unix)]
const NAMES: [&str; 3] = ["a\u{1b}[31mred", "two\nlines", "gpj.\u{202e}exe"];
#[cfg(unix)]
const SHOWN: [&str; 3] = ["a\\u{1b}[31mred", "two\\nlines", "gpj.\\u{202e}exe"];

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What nothing that is printed for people may have.
fn is_harmless(text: &str) -> bool {
    !text.contains(['\u{1b}', '\u{202e}', '\u{9b}', '\r'])
}
