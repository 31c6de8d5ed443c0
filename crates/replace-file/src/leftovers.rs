//! What a process that was killed left behind.

use std::fs;
use std::io;
use std::path::Path;

use crate::PREFIX;

/// Characters that follow [`PREFIX`] in a temporary name.
const RANDOM: usize = 6;

/// Removes the temporary files that processes which were killed have left in a folder. No other process may be writing there. A folder
/// that is not there has none.
///
/// # Errors
/// The disk's.
pub fn remove_leftovers(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if is_temporary(&entry.file_name().to_string_lossy()) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether a name is one that [`crate::Replacement`] gives.
fn is_temporary(name: &str) -> bool {
    let random = |rest: &str| rest.len() == RANDOM && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    name.strip_prefix(PREFIX).is_some_and(random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Replacement;

    #[test]
    fn files_that_were_never_finished_are_removed_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let mine = ["state", ".part-", ".part-mine", ".part-mine.txt", "x.part-abcdef"];
        mine.iter().for_each(|name| fs::write(folder.path().join(name), b"mine").unwrap());
        // Forgotten, as when the process is killed.
        std::mem::forget(Replacement::create(&folder.path().join("state")).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), mine.len() + 1);
        remove_leftovers(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), mine.len());
        remove_leftovers(&folder.path().join("missing")).unwrap();
    }
}
