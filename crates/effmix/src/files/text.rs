//! Text files and folders, with errors that name them.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::{fs, io};

use crate::{Error, Result};

/// Reads a text file, saying which one it was if that fails.
pub(crate) fn read_to_string(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::io("can't read", path))
}

/// The first bytes of a file, so many at most; none where it can't be read.
pub fn start_of(path: &Path, length: usize) -> Vec<u8> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(length as u64).read_to_end(&mut start));
    read.map_or_else(|_| Vec::new(), |_| start)
}

/// Makes a folder, if it is not there, and makes sure that files can be made in it.
pub(crate) fn make_writable(folder: &Path) -> io::Result<()> {
    replace_file::create_folder(folder)?;
    tempfile::tempfile_in(folder).map(|_| ())
}
