//! The folder for what can be computed again.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::files::make_writable;
use crate::{Error, Result};

/// The user's cache folder for this program: `$EFFMIX_CACHE`, else `effmix` in the system's place for caches. Where it can't be
/// written to, a folder among the temporary files, which is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct CacheFolder {
    path: PathBuf,
    /// Removed with this.
    _temporary: Option<TempDir>,
}

impl CacheFolder {
    /// Opens it; with a warning where it is a temporary one.
    ///
    /// # Errors
    /// Where there is no folder for temporary files either.
    pub(crate) fn open() -> Result<(Self, Option<String>)> {
        let path = match std::env::var_os("EFFMIX_CACHE").filter(|folder| !folder.is_empty()) {
            Some(folder) => PathBuf::from(folder),
            None => dirs::cache_dir().unwrap_or_else(std::env::temp_dir).join("effmix"),
        };
        let Err(error) = make_writable(&path) else { return Ok((Self { path, _temporary: None }, None)) };
        let temporary = tempfile::Builder::new().prefix("effmix-cache-").tempdir();
        let temporary = temporary.map_err(Error::io("can't write to", std::env::temp_dir()))?;
        let warning = format!(
            "can't write to the cache folder {} ({error}): what is computed is not kept for later runs; set EFFMIX_CACHE to \
             another folder",
            path.display()
        );
        Ok((Self { path: temporary.path().to_owned(), _temporary: Some(temporary) }, Some(warning)))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
