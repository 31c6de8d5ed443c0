//! Free space on a disk, where the system reports it.

use std::path::Path;

/// Bytes left for this user on the disk that holds `path`, or would hold it.
pub(crate) fn disk_left(path: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(existing(path)?).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Whether both paths are, or would be, on one disk.
pub(crate) fn same_disk(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| Some(std::fs::metadata(existing(path)?).ok()?.dev());
        device(one).is_some() && device(one) == device(other)
    }
    #[cfg(not(unix))]
    {
        let _ = (one, other);
        true
    }
}

/// The path, or the nearest folder above it that is there.
#[cfg(unix)]
fn existing(path: &Path) -> Option<std::path::PathBuf> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors().find(|above| above.exists()).map(Path::to_owned)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_will_be_on_the_disk_of_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("not/yet/there");
        assert!(disk_left(&missing).is_some());
        assert!(same_disk(folder.path(), &missing));
        assert!(!same_disk(folder.path(), Path::new("/dev")));
    }
}
