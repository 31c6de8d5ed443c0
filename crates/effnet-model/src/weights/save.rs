//! Writing weights: complete or not at all.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};
use crate::store::ParameterStore;

/// All metadata stand under this one key of the file's header, as a JSON object: the format keeps them in a hash map,
/// whose order would differ from run to run and with it the file's bytes.
pub(super) const METADATA: &str = "effmix";

/// Writes the store's parameters and running statistics as safetensors under timm's names. The same values and metadata
/// give the same bytes. An existing file is replaced in one step: whoever reads sees the old or the new one.
///
/// # Errors
/// [`Error::Io`] if the folder can't be written to or is full.
pub fn save_weights(store: &ParameterStore, path: &Path, metadata: &BTreeMap<String, String>) -> Result<()> {
    save_renamed(store, path, metadata, str::to_owned)
}

/// [`save_weights`] under other names.
pub(crate) fn save_renamed(
    store: &ParameterStore,
    path: &Path,
    metadata: &BTreeMap<String, String>,
    name: impl Fn(&str) -> String,
) -> Result<()> {
    let json = serde_json::to_string(metadata).map_err(|e| Error::malformed(path, e.to_string()))?;
    let header = HashMap::from([(METADATA.to_string(), json)]);
    let tensors: BTreeMap<String, _> =
        store.tensors()?.into_iter().map(|(timm, tensor)| (name(&timm), tensor)).collect();
    let bytes = safetensors::serialize(tensors, Some(header));
    let bytes = bytes.map_err(|e| Error::malformed(path, format!("can't be written: {e}")))?;
    write_atomically(path, &bytes)
}

/// Writes `bytes` to a temporary file beside `path`, flushes it to the disk, and renames it.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let write = || -> std::io::Result<()> {
        let mut file = temporary().tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        // The rename is on the disk only with its folder; not every system lets one be opened.
        File::open(folder).and_then(|folder| folder.sync_all()).or(Ok(()))
    };
    write().map_err(|e| Error::io(path, e))
}

/// Temporary files are the owner's alone by default; these become results, as readable as any the user makes.
fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder
}
