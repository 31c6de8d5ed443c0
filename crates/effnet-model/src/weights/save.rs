//! Writing weights: complete or not at all.

use std::collections::{BTreeMap, HashMap};
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
    save_renamed(store, path, metadata, |name| Some(name.to_owned()))
}

/// [`save_weights`] under other names; without those that have none.
pub(crate) fn save_renamed(
    store: &ParameterStore,
    path: &Path,
    metadata: &BTreeMap<String, String>,
    name: impl Fn(&str) -> Option<String>,
) -> Result<()> {
    let json = serde_json::to_string(metadata).map_err(|e| Error::malformed(path, e.to_string()))?;
    let header = HashMap::from([(METADATA.to_string(), json)]);
    let tensors: BTreeMap<String, _> =
        store.tensors()?.into_iter().filter_map(|(timm, tensor)| Some((name(&timm)?, tensor))).collect();
    let bytes = safetensors::serialize(tensors, Some(header));
    let bytes = bytes.map_err(|e| Error::malformed(path, format!("can't be written: {e}")))?;
    write_atomically(path, &bytes)
}

/// [`replace_file::write`] with an error that names the file.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    replace_file::write(path, bytes).map_err(|e| Error::io(path, e))
}
