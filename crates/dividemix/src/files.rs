//! Files that are there as a whole or not at all, also after a crash.

use std::path::Path;

use crate::{Error, Result};

/// Writes a file as [`replace_file::write`] does, in a folder that is made when needed: when this returns, the file and its folder
/// outlive a loss of power, and whatever happens before, `path` is the old file or the new one.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = replace_file::folder_of(path);
    replace_file::create_folder(folder).map_err(Error::io("can't make", folder))?;
    replace_file::write(path, bytes).map_err(Error::io("can't write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_when_needed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/when needed/state");
        write_atomic(&path, b"content").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"content");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        std::fs::create_dir(&path).unwrap();
        let error = write_atomic(&path, b"content").unwrap_err().to_string();
        assert!(error.starts_with("can't write") && error.contains("state"), "{error}");
    }
}
