//! A weights file, opened.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use candle_core::{Device, Tensor};
use memmap2::Mmap;

use super::index::{Index, Run};
use super::save::METADATA;
use super::{Malformed, Parsed, legacy, safetensors, zipped};
use crate::arch::Arch;
use crate::error::{Error, Result};
use crate::layouts::Layout;

/// Bytes of a run that are looked at together for its checksum.
const PIECE: usize = 1 << 20;

/// A `.safetensors` or `.pth` file. Opening it reads what is in it, names and shapes; a tensor's numbers are read when they are
/// asked for, so that a network of any size takes no memory beside its own.
///
/// The content decides on the format, not the ending: safetensors, torch's zip format, or its old one (before 1.6). A `.pth` file
/// is a pickle, a program for Python's unpickling machine. The reader here runs the few instructions of which a dictionary of
/// tensors is made, and refuses any other by name; no code of the file's is ever run.
#[derive(Debug)]
pub struct WeightsFile {
    path: PathBuf,
    file: Mutex<File>,
    index: Index,
}

impl WeightsFile {
    /// Opens it.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Malformed`] with what was found: a truncated file, lengths that don't fit, an
    /// instruction that is refused, an element type that is not read.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        if file.metadata().map_err(|e| Error::io(path, e))?.is_dir() {
            return Err(Error::malformed(path, "is a folder; a weights file is wanted"));
        }
        // SAFETY: the map is read-only and lives until the index is made. A file that another process shortens
        // meanwhile would fault, as it does for every reader that maps; this program writes weights by renaming.
        let map = unsafe { Mmap::map(&file) }.map_err(|e| Error::io(path, e))?;
        let index = index(&map).map_err(|Malformed(reason)| Error::malformed(path, reason))?;
        Ok(Self { path: path.to_path_buf(), file: Mutex::new(file), index })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names and shapes of its floating-point tensors, sorted by name; integers (`num_batches_tracked`) are left out.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.index.tensors.iter().map(|(name, stored)| (name.as_str(), stored.view.shape.as_slice()))
    }

    /// A tensor's shape, if there is one of that name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.index.tensors.get(name).map(|stored| stored.view.shape.as_slice())
    }

    /// A tensor's numbers in row-major order, as f32.
    ///
    /// # Errors
    /// [`Error::Malformed`] if there is none of that name, its bytes are damaged, or a number is NaN or infinite as f32;
    /// [`Error::Io`].
    pub fn values(&self, name: &str) -> Result<Vec<f32>> {
        let malformed = |reason: String| Error::malformed(&self.path, format!("tensor {name:?}: {reason}"));
        let Some(stored) = self.index.tensors.get(name) else {
            return Err(malformed("the file has none of that name".to_owned()));
        };
        let run = &self.index.runs[stored.run];
        if !self.is_intact(run)? {
            return Err(malformed(
                "its bytes don't have the archive's checksum; fetch the file again".to_owned(),
            ));
        }
        let size = stored.float.size();
        let at = |element: usize| run.bytes.start + element * size;
        let bytes = self.bytes(at(stored.span.start)..at(stored.span.end))?;
        let values = stored.view.values(stored.float, &bytes);
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(at) => Err(malformed(format!(
                "element {at} is {}: such weights predict nothing; save them again from before the training diverged",
                values[at]
            ))),
        }
    }

    /// A tensor, as f32 on the CPU.
    ///
    /// # Errors
    /// As [`WeightsFile::values`].
    pub fn tensor(&self, name: &str) -> Result<Tensor> {
        let values = self.values(name)?;
        Ok(Tensor::from_vec(values, self.shape(name).unwrap_or_default(), &Device::Cpu)?)
    }

    /// What [`crate::save_weights`] was given to say about them; nothing for a file of another program's.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is not what that writes.
    pub fn metadata(&self) -> Result<BTreeMap<String, String>> {
        let Some(json) = self.index.metadata.get(METADATA) else { return Ok(BTreeMap::new()) };
        serde_json::from_str(json).map_err(|e| Error::malformed(&self.path, format!("metadata: {e}")))
    }

    /// Whose names the tensors have.
    ///
    /// # Errors
    /// [`Error::UnknownLayout`] if they are of no library that is known.
    pub fn layout(&self) -> Result<Layout> {
        Layout::detect(self.index.tensors.keys()).ok_or_else(|| {
            let names: Vec<&str> = self.shapes().map(|(name, _)| name).take(4).collect();
            let examples = if names.is_empty() { "no tensors at all".to_string() } else { names.join(", ") };
            Error::UnknownLayout { path: self.path.clone(), examples }
        })
    }

    /// The member as the library computes it whose names the tensors have ([`Layout::flavour`]): what a network must be
    /// built as before it takes them over.
    ///
    /// # Errors
    /// As [`WeightsFile::layout`].
    pub fn flavour(&self, arch: &Arch) -> Result<Arch> {
        Ok(self.layout()?.flavour(arch))
    }

    /// Whether a run's bytes sum up to what the archive says.
    fn is_intact(&self, run: &Run) -> Result<bool> {
        let Some((expected, known)) = &run.checksum else { return Ok(true) };
        if let Some(known) = known.get() {
            return Ok(*known);
        }
        let mut hasher = crc32fast::Hasher::new();
        for start in run.bytes.clone().step_by(PIECE) {
            hasher.update(&self.bytes(start..run.bytes.end.min(start + PIECE))?);
        }
        let intact = hasher.finalize() == *expected;
        Ok(*known.get_or_init(|| intact))
    }

    fn bytes(&self, place: Range<usize>) -> Result<Vec<u8>> {
        let read = || {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(place.start as u64))?;
            let mut bytes = vec![0; place.len()];
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|e| Error::io(&self.path, e))
    }
}

fn index(bytes: &[u8]) -> Parsed<Index> {
    match bytes {
        [] => Err(Malformed::new("the file is empty")),
        [b'P', b'K', 3, 4, ..] => zipped::index(bytes),
        [0x80, 2, 0x8a, 0x0a, ..] => legacy::index(bytes),
        _ => safetensors::index(bytes),
    }
}

/// Every tensor of a file, by name.
///
/// # Errors
/// As [`WeightsFile::open`] and [`WeightsFile::values`].
pub fn read_weights(path: &Path) -> Result<HashMap<String, Tensor>> {
    let file = WeightsFile::open(path)?;
    file.shapes().map(|(name, _)| Ok((name.to_owned(), file.tensor(name)?))).collect()
}
