//! Files for readers that want a path.

use std::path::PathBuf;

use tempfile::TempDir;

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().expect("a folder for temporary files");
}

/// The path of a file of these bytes. It is there until the thread writes the next under this name.
pub(crate) fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = path(name);
    // Some systems write a file to the disk at once where it takes the place of another's content. There may be none.
    let _ = std::fs::remove_file(&path);
    std::fs::write(&path, bytes).expect("room for a temporary file");
    path
}

/// A path below the thread's folder, whose own folder is there.
pub(crate) fn path(name: &str) -> PathBuf {
    let path = FOLDER.with(|folder| folder.path().join(name));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).expect("room for a folder");
    }
    path
}
