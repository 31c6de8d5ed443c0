#![doc = include_str!("../README.md")]

mod folders;
mod leftovers;

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

pub use folders::{create_folder, folder_of, sync_folder};
pub use leftovers::remove_leftovers;

/// What the temporary names begin with; six characters follow.
const PREFIX: &str = ".part-";

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
    /// The file itself, where `path` is a symbolic link to it.
    target: PathBuf,
    out: BufWriter<File>,
    temporary: TempPath,
}

impl Replacement {
    /// Begins a file that is going to be `path`. Where that is a symbolic link, the file that it leads to is going to be replaced, and
    /// the link stays.
    ///
    /// # Errors
    /// The disk's, where no file can be made in the folder of `path`; a symbolic link that leads to no file.
    pub fn create(path: &Path) -> io::Result<Self> {
        let target = target_of(path)?;
        // Made by `make_in`, the file is as readable as any that the user makes: the umask decides.
        let new = |path: &Path| File::options().read(true).write(true).create_new(true).open(path);
        let file = tempfile::Builder::new().prefix(PREFIX).make_in(folder_of(&target), new)?;
        let (file, temporary) = file.into_parts();
        Ok(Self { path: path.to_owned(), target, out: BufWriter::new(file), temporary })
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
        Ok(self.out.get_ref())
    }

    /// Brings the file to the disk, gives it its name, and brings the name to the disk. Returns the file, still open.
    ///
    /// # Errors
    /// The disk's. Nothing has changed then, but where syncing the folder failed: the file has its name, and a loss of power
    /// might take it back.
    pub fn commit(self) -> io::Result<File> {
        let Self { target, out, temporary, .. } = self;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        temporary.persist(&target).map_err(|failed| failed.error)?;
        sync_folder(folder_of(&target))?;
        Ok(file)
    }
}

/// The file that is replaced: `path` itself, or what it leads to where it is a symbolic link.
fn target_of(path: &Path) -> io::Result<PathBuf> {
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        return Ok(path.to_owned());
    }
    fs::canonicalize(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::new(
            error.kind(),
            "it is a symbolic link to a file that is not there; remove the link, or choose another name",
        ),
        _ => error,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_the_file_that_it_leads_to_is_replaced() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let [link, dangling] = ["link", "dangling"].map(|name| folder.path().join(name));
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        fs::write(folder.path().join("elsewhere/file"), b"old").unwrap();
        symlink("elsewhere/file", &link).unwrap();
        write(&link, b"new").unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("elsewhere/file"));
        assert_eq!(fs::read(folder.path().join("elsewhere/file")).unwrap(), b"new");

        symlink("elsewhere/missing", &dangling).unwrap();
        let refused = write(&dangling, b"new").unwrap_err().to_string();
        assert!(refused.contains("symbolic link"), "{refused}");
        assert!(fs::symlink_metadata(&dangling).unwrap().is_symlink());
    }

    #[test]
    fn an_error_does_not_name_the_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        fs::create_dir(&path).unwrap();
        let in_the_way = write(&path, b"content").unwrap_err();
        let no_folder = write(&folder.path().join("missing/state"), b"content").unwrap_err();
        for error in [in_the_way, no_folder] {
            assert!(error.raw_os_error().is_some() && !error.to_string().contains(PREFIX), "{error}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_without_the_temporary_name() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut file = Replacement::create(&folder.path().join("state")).unwrap();
        file.out = BufWriter::new(full);
        file.write_all(b"content").unwrap();
        let error = file.commit().unwrap_err();
        assert!(!error.to_string().contains(PREFIX), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
