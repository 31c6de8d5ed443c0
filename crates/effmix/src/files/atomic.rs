//! Files that are there complete or not at all: [`replace_file`] with errors that name the file.

use std::io::{self, Write};
use std::path::Path;

use replace_file::Replacement;

use crate::{Error, Result};

/// A file in the making: under a temporary name beside its own until it is committed. Dropped before that, nothing has
/// changed.
#[derive(Debug)]
pub struct AtomicFile(Replacement);

impl AtomicFile {
    /// Begins it.
    ///
    /// # Errors
    /// The disk's, naming `path`.
    pub fn create(path: &Path) -> Result<Self> {
        Replacement::create(path).map(Self).map_err(Error::io("can't write", path))
    }

    /// The name that the file is going to have.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// To the disk, then under its name.
    ///
    /// # Errors
    /// The disk's, naming the path; then nothing has changed.
    pub fn commit(self) -> Result<()> {
        let failed = Error::io("can't write", self.path().to_owned());
        self.0.commit().map(drop).map_err(failed)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes a file as a whole: to a temporary file beside it, to the disk, then under its name.
///
/// # Errors
/// The disk's, naming `path`; then nothing has changed.
pub fn write_atomic(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    fill(&mut file).map_err(Error::io("can't write", path))?;
    file.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.txt");
        write_atomic(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write_atomic(&path, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no space left"))
        });
        let message = failed.unwrap_err().to_string();
        assert!(message.contains("f.txt") && message.contains("no space left"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
