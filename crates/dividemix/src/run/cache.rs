//! The folder for what can be computed again.

use std::path::PathBuf;

use crate::{Error, Result};

/// The user's cache folder for this program, made if it is missing: `$EFFMIX_CACHE`, else `effmix` in the system's
/// place for caches.
///
/// # Errors
/// The disk's.
pub fn cache_folder() -> Result<PathBuf> {
    let folder = match std::env::var_os("EFFMIX_CACHE").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => dirs::cache_dir().unwrap_or_else(std::env::temp_dir).join("effmix"),
    };
    std::fs::create_dir_all(&folder)
        .map_err(Error::io("can't create (set EFFMIX_CACHE to another folder)", &folder))?;
    Ok(folder)
}
