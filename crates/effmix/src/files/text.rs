//! Text files and folders, with errors that name them.

use std::path::Path;
use std::{fs, io};

use crate::{Error, Result};

/// Reads a text file, saying which one it was if that fails.
pub(crate) fn read_to_string(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::io("can't read", path))
}

/// Makes a folder, if it is not there, and makes sure that files can be made in it.
pub(crate) fn make_writable(folder: &Path) -> io::Result<()> {
    replace_file::create_folder(folder)?;
    tempfile::tempfile_in(folder).map(|_| ())
}
