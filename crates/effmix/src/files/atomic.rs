//! Files that are there complete or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::{Error, Result};

/// A file in the making: under a temporary name beside its own until it is committed. Dropped before that, nothing has
/// changed.
#[derive(Debug)]
pub struct AtomicFile {
    pub(super) path: PathBuf,
    out: BufWriter<NamedTempFile>,
}

impl AtomicFile {
    /// Begins it.
    ///
    /// # Errors
    /// The disk's, naming `path`.
    pub fn create(path: &Path) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".effmix-");
        as_readable_as_others(&mut builder);
        let temporary = builder.tempfile_in(parent(path)).map_err(Error::io("can't write", path))?;
        Ok(Self { path: path.to_owned(), out: BufWriter::new(temporary) })
    }

    /// To the disk, then under its name.
    ///
    /// # Errors
    /// The disk's, naming the path; then nothing has changed.
    pub fn commit(self) -> Result<()> {
        let Self { path, out } = self;
        let finish = || -> io::Result<()> {
            let temporary = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&path).map_err(|failed| failed.error)?;
            sync_folder(parent(&path))
        };
        finish().map_err(Error::io("can't write", &path))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
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

/// The folder that a path is in.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file is its owner's alone; a result is as readable as what the user creates (the umask decides).
#[cfg(unix)]
fn as_readable_as_others(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn as_readable_as_others(_builder: &mut tempfile::Builder<'_, '_>) {}

/// The rename itself is on the disk only when the folder is. Windows can't open folders as files.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

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
