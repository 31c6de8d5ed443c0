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

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What nothing that is printed for people may have.
fn is_harmless(text: &str) -> bool {
    !text.contains(['\u{1b}', '\u{202e}', '\u{9b}', '\r'])
}
