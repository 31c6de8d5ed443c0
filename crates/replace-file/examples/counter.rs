//! A number in a file that survives a loss of power: `cargo run --example counter -- FILE` counts its runs.

#![allow(clippy::print_stdout, reason = "its result")]

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Reads the number, adds one, and replaces the file: whoever reads it meanwhile finds the old number or the new one.
pub(crate) fn count(file: &Path) -> io::Result<u64> {
    let before = match std::fs::read_to_string(file) {
        Ok(text) => text.trim().parse().map_err(io::Error::other)?,
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    replace_file::write(file, format!("{}\n", before + 1).as_bytes())?;
    Ok(before + 1)
}

pub(crate) fn main() -> io::Result<()> {
    let file =
        std::env::args_os().nth(1).map_or_else(|| std::env::temp_dir().join("counter.txt"), PathBuf::from);
    println!("{}: run {}", file.display(), count(&file)?);
    Ok(())
}
