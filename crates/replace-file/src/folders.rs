//! Folders that outlive a loss of power.

#[cfg(unix)]
use std::fs::File;
use std::path::Path;
use std::{fs, io};

/// The folder that a path is in; `.` for a bare name.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a folder, with those above it that are missing, and brings the name of each new one to the disk. A folder that is there
/// already is no error, nor is the empty path, the folder that a bare name's path has above it.
///
/// # Errors
/// The disk's.
pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    create_folder(folder_of(path))?;
    match fs::create_dir(path) {
        // Another process may have made it in between.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !path.is_dir() => Err(error),
        _ => sync_folder(folder_of(path)),
    }
}

/// Brings the names in a folder to the disk: a new file, or a folder made in it, is on the disk only when its name is. (On Unix; other
/// systems do this by themselves.)
///
/// # Errors
/// The disk's.
#[cfg(unix)]
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems have no such call for folders.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        other => other,
    }
}

/// On this system the names in a folder come to the disk by themselves.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_in_the_current_folder() {
        assert_eq!(folder_of(Path::new("name")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/name")), Path::new("a"));
    }

    #[test]
    fn folders_above_are_made_too_and_one_that_is_there_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/c");
        for _ in 0..2 {
            create_folder(&path).unwrap();
            assert!(path.is_dir());
        }
        create_folder(Path::new("")).unwrap();
        fs::write(folder.path().join("file"), b"").unwrap();
        create_folder(&folder.path().join("file")).unwrap_err();
        create_folder(&folder.path().join("file/below")).unwrap_err();
    }
}
