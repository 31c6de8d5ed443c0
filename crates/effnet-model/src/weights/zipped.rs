//! torch's format since 1.6: a zip archive of `NAME/data.pkl` and a file for each storage, `NAME/data/KEY`, not compressed.

use std::io::{Cursor, Read};
use std::ops::Range;

use zip::read::{ArchiveOffset, Config, ZipFile};
use zip::result::ZipResult;
use zip::{CompressionMethod, ZipArchive};

use super::index::{Index, Run};
use super::machine::unpickle;
use super::parsed::{Malformed, Parsed, Refused};
use super::state;

const PICKLE: &str = "data.pkl";

/// The archive that begins with the file's first byte.
///
/// An archive's beginning is not looked for, as `ZipArchive::new` does: that takes the second entry of torch's directory for the first where
/// a record of it has as many bytes as torch's two records after the directory, so where the name of a file has 21 letters.
pub(super) fn open(bytes: &[u8]) -> ZipResult<ZipArchive<Cursor<&[u8]>>> {
    let config = Config { archive_offset: ArchiveOffset::Known(0) };
    ZipArchive::with_config(config, Cursor::new(bytes))
}

pub(super) fn index(bytes: &[u8], wanted: Option<&str>) -> Result<Index, Refused> {
    let mut archive = open(bytes).map_err(|e| Malformed::new(format!("zip: {e}")))?;
    let folder = pickle_folder(&archive)?;
    if is_torch_script(&archive, &folder) {
        return Err(Malformed::new(
            "a TorchScript archive (torch.jit.save), which is a program; save its weights alone: \
             torch.save(torch.jit.load(FILE).state_dict(), NEW)",
        )
        .into());
    }
    if content(&mut archive, &format!("{folder}byteorder"), bytes).is_ok_and(|order| order == b"big") {
        return Err(Malformed::new("written on a big-endian machine, which is not read").into());
    }
    let pickle = content(&mut archive, &format!("{folder}{PICKLE}"), bytes)?;
    let object = unpickle(&pickle, bytes.len())?;
    state::index(&object.arena, object.value, bytes.len(), wanted, |storage| {
        let name = format!("{folder}data/{}", storage.key);
        let (place, checksum) =
            with_entry(&mut archive, &name, bytes.len(), |place, file| Ok((place, file.crc32())))?;
        let expected = storage.len.checked_mul(storage.element.size());
        if expected != Some(place.len()) {
            let (key, found, described) = (storage.key, place.len(), storage.len);
            return Err(Malformed::new(format!(
                "storage {key:?} has {found} bytes, its description says {described} elements"
            )));
        }
        Ok(Run::new(place, Some(checksum)))
    })
}

/// The folder inside the archive, with its slash: everything before `data.pkl`.
fn pickle_folder(archive: &ZipArchive<Cursor<&[u8]>>) -> Parsed<String> {
    let mut folders = archive.file_names().filter_map(|name| folder_of_pickle(&name.ok()?));
    folders.next().ok_or_else(|| {
        Malformed::new(
            "is an archive itself, and not torch's: it has no data.pkl; unpack it, and give its path",
        )
    })
}

/// The folder, with its slash, of an entry of this name, if that is torch's pickle.
fn folder_of_pickle(name: &str) -> Option<String> {
    let folder = name.strip_suffix(PICKLE)?;
    (folder.is_empty() || folder.ends_with('/')).then(|| folder.to_string())
}

/// Whether an archive is of this format.
pub(super) fn is_torch(archive: &ZipArchive<Cursor<&[u8]>>) -> bool {
    archive.file_names().any(|name| name.is_ok_and(|name| folder_of_pickle(&name).is_some()))
}

/// Whether the archive holds a program of TorchScript's beside the pickle.
fn is_torch_script(archive: &ZipArchive<Cursor<&[u8]>>, folder: &str) -> bool {
    let mut names = archive.file_names().filter_map(Result::ok);
    names.any(|name| {
        name.strip_prefix(folder).is_some_and(|name| name == "constants.pkl" || name.starts_with("code/"))
    })
}

/// A file of the archive; its checksum is verified.
fn content(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, bytes: &[u8]) -> Parsed<Vec<u8>> {
    with_entry(archive, name, bytes.len(), |place, file| {
        let mut content = Vec::with_capacity(place.len());
        file.read_to_end(&mut content).map_err(|e| Malformed::new(e.to_string()))?;
        Ok(content)
    })
}

/// What `with` makes of a file of the archive and its place there; the archive has `whole` bytes.
fn with_entry<'a, T>(
    archive: &mut ZipArchive<Cursor<&'a [u8]>>,
    name: &str,
    whole: usize,
    with: impl FnOnce(Range<usize>, &mut ZipFile<'_, Cursor<&'a [u8]>>) -> Parsed<T>,
) -> Parsed<T> {
    let failed = |e: String| Malformed::new(format!("zip, {name}: {e}"));
    let mut file = archive.by_name(name).map_err(|e| failed(e.to_string()))?;
    if file.compression() != CompressionMethod::Stored {
        return Err(failed(
            "is compressed, which torch.save doesn't do; unpack and save it again".to_string(),
        ));
    }
    let place = file.data_start().and_then(|start| {
        let end = start.checked_add(file.size())?;
        Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    });
    let place = place.filter(|place| place.end <= whole);
    let place = place.ok_or_else(|| failed("claims to be larger than the file it is in".to_string()))?;
    with(place, &mut file).map_err(|Malformed(reason)| failed(reason))
}
