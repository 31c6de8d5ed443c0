#![doc = include_str!("../README.md")]

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Writes a file as a whole: under a temporary name, to the disk, then under its own.
///
/// # Errors
/// The disk's; then nothing has changed.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Replacement::create(path)?;
    file.write_all(bytes)?;
    file.commit().map(drop)
}

/// A file in the making, which has a temporary name in its folder until [`commit`](Self::commit) gives it its own. Where it
/// is dropped before that, the temporary file is removed and nothing has changed.
#[derive(Debug)]
pub struct Replacement {
    path: PathBuf,
    out: BufWriter<NamedTempFile>,
}

impl Replacement {
    /// Begins a file that is going to be `path`.
    ///
    /// # Errors
    /// The disk's, where no file can be made in the folder of `path`.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".part-");
        as_readable_as_others(&mut builder);
        Ok(Self { path: path.to_owned(), out: BufWriter::new(builder.tempfile_in(folder_of(path))?) })
    }

    /// The name that the file is going to have.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file with everything that has been written so far, to be read by its offsets.
    ///
    /// # Errors
    /// The disk's, where what is still in memory can't be written.
    pub fn written(&mut self) -> io::Result<&File> {
        self.out.flush()?;
        Ok(self.out.get_ref().as_file())
    }

    /// Brings the file to the disk, gives it its name, and brings the name to the disk. Returns the file, still open.
    ///
    /// # Errors
    /// The disk's. Nothing has changed then, but where syncing the folder failed: the file has its name, and a loss of power
    /// might take it back.
    pub fn commit(self) -> io::Result<File> {
        let Self { path, out } = self;
        let temporary = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        temporary.as_file().sync_all()?;
        let file = temporary.persist(&path).map_err(|failed| failed.error)?;
        sync_folder(folder_of(&path))?;
        Ok(file)
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Seek for Replacement {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.out.seek(to)
    }
}

/// The folder that a path is in; `.` for a bare name.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file is its owner's alone; this one becomes a result, as readable as what the user makes.
#[cfg(unix)]
fn as_readable_as_others(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn as_readable_as_others(_: &mut tempfile::Builder<'_, '_>) {}

/// A rename is on the disk only when the folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems have no such call for folders.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        other => other,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_no_other_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        for content in [&b"a long first one"[..], b"second"] {
            write(&path, content).unwrap();
            assert_eq!(fs::read(&path).unwrap(), content);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_file_that_is_dropped_before_its_end_leaves_the_old_one_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        write(&path, b"old").unwrap();
        let mut file = Replacement::create(&path).unwrap();
        file.write_all(b"half of the new one").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }

    #[test]
    fn a_file_that_cannot_be_replaced_leaves_no_temporary_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        fs::create_dir(&path).unwrap();
        write(&path, b"content").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        write(&folder.path().join("missing/state"), b"content").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_written_can_be_read_and_changed_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut file = Replacement::create(&path).unwrap();
        file.write_all(b"____content").unwrap();
        assert_eq!(file.written().unwrap().metadata().unwrap().len(), 11);
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(b"head").unwrap();
        let file = file.commit().unwrap();
        assert_eq!(file.metadata().unwrap().len(), 11);
        assert_eq!(fs::read(&path).unwrap(), b"headcontent");
    }

    #[test]
    fn the_longest_name_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n".repeat(255));
        write(&path, b"content").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"content");
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_what_they_may_read_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        fs::write(folder.path().join("plain"), b"").unwrap();
        write(&folder.path().join("replaced"), b"").unwrap();
        assert_eq!(mode("replaced"), mode("plain"));
    }

    #[test]
    fn a_bare_name_is_in_the_current_folder() {
        assert_eq!(folder_of(Path::new("name")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/name")), Path::new("a"));
    }
}
