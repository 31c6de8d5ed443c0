//! Files that are there as a whole or not at all, also after a crash.

use std::io::Write;
use std::path::Path;

use crate::{Error, Result};

/// Writes a file under a temporary name in its folder (made when needed), syncs it, renames it, and syncs the folder: when this
/// returns, the file outlives a loss of power, and whatever happens before, `path` is the old file or the new one.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(Error::io("can't make", folder))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(Error::io("can't write in", folder))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(Error::io("can't write", path))?;
    file.persist(path).map_err(|e| Error::io("can't write", path)(e.error))?;
    sync_folder(folder)
}

/// Makes a folder's entries, a new name among them, outlive a loss of power.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<()> {
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io("can't sync", folder))
}

/// Other systems have no such call, and keep a rename by themselves.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/when needed/state");
        for content in [&b"a long first one"[..], b"second"] {
            write_atomic(&path, content).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), content);
            assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_named_and_no_temporary_one_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        std::fs::create_dir(&path).unwrap();
        let error = write_atomic(&path, b"content").unwrap_err().to_string();
        assert!(error.starts_with("can't write") && error.contains("state"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
