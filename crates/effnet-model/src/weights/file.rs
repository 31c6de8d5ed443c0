//! A weights file, opened.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use candle_core::{Device, Tensor};
use memmap2::Mmap;

use super::archive::{self, Unpacked};
use super::index::{Index, Run};
use super::parsed::{Malformed, Refused};
use super::place::{CONFIG, LONGEST_CONFIG, Place, shown};
use super::save::METADATA;
use super::{legacy, safetensors, zipped};
use crate::error::{Error, Result};

/// Bytes of a run that are looked at together for its checksum.
const PIECE: usize = 1 << 20;

/// A `.safetensors` or `.pth` file, or a `.zip` or `.whl` that holds one. Opening it reads what is in it, names and shapes; a
/// tensor's numbers are read when they are asked for, so that a network of any size takes no memory beside its own.
///
/// The content decides on the format, not the ending: safetensors, torch's zip format, or its old one (before 1.6). A `.pth` file
/// is a pickle, a program for Python's unpickling machine. The reader here makes plain values and tensors of it; an object of any other
/// class stays a note of what it would hold, and no code of the file's is ever run.
///
/// A training script's checkpoint is searched for the weights of a network that is known: dictionaries below its own, whatever their
/// keys are, names under any prefix, and the parameters of a whole pickled module. Of several, plain ones are taken before averages
/// ([`WeightsFile::taken`] says which, [`WeightsFile::open_key`] takes others).
///
/// Any other zip archive is searched for files that end with `.pth`, `.pt`, `.bin`, `.safetensors` or `.ckpt`. If there is one, it
/// is unpacked to a temporary file without a name, which lives as long as this.
#[derive(Debug)]
pub struct WeightsFile {
    place: Place,
    file: Mutex<File>,
    index: Index,
    /// timm's `config.json`, where the file and that one are an archive's.
    packed_config: Option<Vec<u8>>,
}

impl WeightsFile {
    /// Opens it.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Malformed`] with what was found: a truncated file, lengths that don't fit, no tensors by name, an
    /// element type that is not read, an archive that holds no weights file or several, a file of another kind.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_key(path, None)
    }

    /// Opens it, and takes the weights under `key`: the keys of the dictionaries on the way to them, and the beginning of their names,
    /// with dots between them (`state_dict_ema`, `state_dict.teacher`). Without a key the plainest are taken.
    ///
    /// # Errors
    /// The errors of [`WeightsFile::open`]; [`Error::NoSuchKey`] with the keys under which there are weights.
    pub fn open_key(path: &Path, key: Option<&str>) -> Result<Self> {
        // A pipe would be waited for, perhaps forever.
        let about = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        if !about.is_file() && !about.is_dir() {
            return Err(Error::malformed(
                path,
                "is a pipe or a device, not a file; save the weights to a file",
            ));
        }
        if about.is_dir() {
            return Err(Error::malformed(path, "is a folder; a weights file is wanted"));
        }
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        let bytes = map(&file).map_err(|e| Error::io(path, e))?;
        match archive::unpack(path, &bytes)? {
            None => Self::indexed(Place::file(path), file, &bytes, None, key),
            Some(Unpacked { entry, file, config }) => {
                let place = Place::entry(path, &entry);
                let bytes = map(&file).map_err(|e| place.io(e))?;
                Self::indexed(place, file, &bytes, config, key)
            }
        }
    }

    fn indexed(
        place: Place,
        file: File,
        bytes: &[u8],
        packed_config: Option<Vec<u8>>,
        key: Option<&str>,
    ) -> Result<Self> {
        let index = index(bytes, key).map_err(|refused| match refused {
            Refused::Malformed(Malformed(reason)) => place.malformed(reason),
            Refused::NoSuchKey(known) => {
                let (path, key) = (place.path().to_owned(), key.unwrap_or_default().to_owned());
                Error::NoSuchKey { path, key, known }
            }
        })?;
        Ok(Self { place, file: Mutex::new(file), index, packed_config })
    }

    /// Where it is. If it lies in an archive, this is the archive's path.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Its name inside the archive at [`WeightsFile::path`], if it lies in one.
    pub fn entry(&self) -> Option<&str> {
        self.place.entry_name()
    }

    /// A sentence that says which weights were taken, and which others there are; `None` of a file that holds the bare weights of one
    /// network and no more.
    pub fn taken(&self) -> Option<String> {
        let path = self.entry().map_or(self.path(), Path::new);
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        self.index.taken.sentence(&shown(&name))
    }

    /// The file, or the entry of an archive.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The error that says what is wrong with its content.
    pub(crate) fn malformed(&self, reason: impl Into<String>) -> Error {
        self.place.malformed(reason)
    }

    /// The place and the bytes of a `config.json` beside it, which is inside the same archive if it lies in one. There is none if
    /// that file is larger than timm's.
    pub(crate) fn config_beside(&self) -> Result<Option<(Place, Vec<u8>)>> {
        let place = self.place.beside(CONFIG);
        if self.entry().is_some() {
            return Ok(self.packed_config.clone().map(|bytes| (place, bytes)));
        }
        match std::fs::metadata(place.path()) {
            Ok(kind) if kind.is_file() && kind.len() <= LONGEST_CONFIG => {}
            Ok(_) => return Ok(None),
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(place.io(e)),
        }
        let bytes = std::fs::read(place.path()).map_err(|e| place.io(e))?;
        Ok(Some((place, bytes)))
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
        let malformed = |reason: String| self.malformed(format!("tensor {name:?}: {reason}"));
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
        serde_json::from_str(json).map_err(|e| self.malformed(format!("metadata: {e}")))
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
        read().map_err(|e| self.place.io(e))
    }
}

/// Maps the file's bytes into memory.
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is read-only and lives until the index is made. A file that another process shortens
    // meanwhile would fault, as it does for every reader that maps; this program writes weights by renaming, and
    // what it unpacks has no name by which another could open it.
    unsafe { Mmap::map(file) }
}

fn index(bytes: &[u8], key: Option<&str>) -> Result<Index, Refused> {
    match bytes {
        _ if archive::is_zip(bytes) => zipped::index(bytes, key),
        _ if legacy::is_pickle(bytes) => legacy::index(bytes, key),
        _ => safetensors::index(bytes, key),
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
