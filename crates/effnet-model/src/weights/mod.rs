//! Weights in and out of files.
//!
//! A weights file is somebody else's: nothing in it is run, nothing in it is believed before it is checked, and no
//! length in it decides an allocation larger than the file.

mod elements;
mod legacy;
mod machine;
mod pickle;
mod safetensors;
mod save;
mod state;
mod zipped;

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use candle_core::Tensor;
use memmap2::Mmap;

use crate::arch::Arch;
use crate::error::{Error, Result};
use crate::layouts::{self, Layout};
use crate::store::ParameterStore;

pub(crate) use self::save::write_atomically;
pub use self::save::{read_metadata, save_weights};

/// Why a file's bytes are refused. The path is added where it is known.
#[derive(Debug)]
struct Malformed(String);

type Parsed<T> = std::result::Result<T, Malformed>;

impl Malformed {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// What [`load_pretrained`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadReport {
    /// Whose names the file's tensors have.
    pub layout: Layout,
    /// Tensors taken over.
    pub tensors: usize,
    /// Whether the file's classifier is of another size or kind, so that the network keeps its own, untrained.
    pub classifier_made_new: bool,
}

/// Reads every floating-point tensor of a `.safetensors` or `.pth` file, as f32, by name; integers
/// (`num_batches_tracked`) are left out. The content decides on the format, not the ending: safetensors, torch's zip
/// format, or its old one (before 1.6).
///
/// A `.pth` file is a pickle, a program for Python's unpickling machine. The reader here runs the few instructions of
/// which a dictionary of tensors is made, and refuses any other by name; no code of the file's is ever run.
///
/// # Errors
/// [`Error::Io`], or [`Error::Malformed`] with what was found: a truncated file, lengths that don't fit, an
/// instruction that is refused, an element type that is not read.
pub fn read_weights(path: &Path) -> Result<HashMap<String, Tensor>> {
    let bytes = map(path)?;
    read_bytes(&bytes).map_err(|Malformed(reason)| Error::malformed(path, reason))
}

/// Reads weights that are in memory already, in any of the formats of [`read_weights`]; `path` is for messages.
fn read_bytes(bytes: &[u8]) -> Parsed<HashMap<String, Tensor>> {
    match bytes {
        [] => Err(Malformed::new("the file is empty")),
        [b'P', b'K', 3, 4, ..] => zipped::read(bytes),
        [0x80, 2, 0x8a, 0x0a, ..] => legacy::read(bytes),
        _ => safetensors::read(bytes),
    }
}

fn map(path: &Path) -> Result<Mmap> {
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    let kind = file.metadata().map_err(|e| Error::io(path, e))?;
    if kind.is_dir() {
        return Err(Error::malformed(path, "is a folder; a weights file is wanted"));
    }
    // SAFETY: the map is read-only and lives for one call. A file that another process shortens meanwhile would
    // fault, as it does for every reader that maps; this program writes weights by renaming, never in place.
    unsafe { Mmap::map(&file) }.map_err(|e| Error::io(path, e))
}

/// The member as the library computes it whose names a file of weights has ([`Layout::flavour`]): what a network must be built as
/// before [`load_pretrained`].
///
/// # Errors
/// As [`read_weights`]; [`Error::UnknownLayout`] if the names are of no library that is known.
pub fn flavour_of(path: &Path, arch: &Arch) -> Result<Arch> {
    let raw = read_weights(path)?;
    let layout = Layout::detect(raw.keys()).ok_or_else(|| unknown_layout(path, &raw))?;
    Ok(layout.flavour(arch))
}

/// Starts the network in `store` from a file of weights, ours or another library's. The names are mapped to ours; a
/// classifier of another size or kind is left as `store` has it. Nothing changes on an error.
///
/// # Errors
/// As [`read_weights`]; [`Error::UnknownLayout`] if the names are of no library that is known;
/// [`Error::WeightsMismatch`] with every tensor that is missing, too many, or of another shape.
pub fn load_pretrained(path: &Path, arch: &Arch, store: &ParameterStore) -> Result<LoadReport> {
    let raw = read_weights(path)?;
    let layout = Layout::detect(raw.keys()).ok_or_else(|| unknown_layout(path, &raw))?;
    let mut tensors = layouts::rename(layout, raw, &arch.plan()?);
    let mut mismatch = store.compare(&tensors);
    let of_classifier = |name: &str| name.starts_with("classifier.");
    let classifier_made_new = mismatch.missing.iter().chain(&mismatch.unexpected).any(|n| of_classifier(n))
        || mismatch.misshapen.iter().any(|m| of_classifier(&m.name));
    if classifier_made_new {
        tensors.retain(|name, _| !of_classifier(name));
        mismatch.missing.retain(|name| !of_classifier(name));
        mismatch.unexpected.retain(|name| !of_classifier(name));
        mismatch.misshapen.retain(|m| !of_classifier(&m.name));
    }
    if !mismatch.is_empty() {
        let (path, arch) = (path.to_path_buf(), arch.name.clone());
        return Err(Error::WeightsMismatch { path, arch, mismatch });
    }
    for (name, tensor) in &tensors {
        store.set(name, tensor)?;
    }
    tracing::debug!(path = %path.display(), ?layout, classifier_made_new, "weights loaded");
    Ok(LoadReport { layout, tensors: tensors.len(), classifier_made_new })
}

fn unknown_layout(path: &Path, raw: &HashMap<String, Tensor>) -> Error {
    let mut names: Vec<&str> = raw.keys().map(String::as_str).collect();
    names.sort_unstable();
    names.truncate(4);
    let examples = if names.is_empty() { "no tensors at all".to_string() } else { names.join(", ") };
    Error::UnknownLayout { path: path.to_path_buf(), examples }
}
