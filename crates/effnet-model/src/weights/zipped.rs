//! torch's format since 1.6: a zip archive of `NAME/data.pkl` and a file a storage, `NAME/data/KEY`, none compressed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Cursor, Read};

use candle_core::Tensor;
use zip::{CompressionMethod, ZipArchive};

use super::elements::Budget;
use super::machine::unpickle;
use super::{Malformed, Parsed, state};

const PICKLE: &str = "data.pkl";

pub(super) fn read(bytes: &[u8]) -> Parsed<HashMap<String, Tensor>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| Malformed::new(format!("zip: {e}")))?;
    let folder = pickle_folder(&archive)?;
    let mut entry = |name: String| entry(&mut archive, &name, bytes.len());
    if entry(format!("{folder}byteorder")).is_ok_and(|order| order == b"big") {
        return Err(Malformed::new("written on a big-endian machine, which is not read"));
    }
    let pickle = entry(format!("{folder}{PICKLE}"))?;
    let object = unpickle(&pickle)?;
    state::tensors(&object.arena, object.value, Budget::of_file(bytes), |storage| {
        let content = entry(format!("{folder}data/{}", storage.key))?;
        let expected = storage.len.checked_mul(storage.element.size());
        if expected != Some(content.len()) {
            let (key, found, said) = (storage.key, content.len(), storage.len);
            return Err(Malformed::new(format!(
                "storage {key:?} has {found} bytes, its description says {said} elements"
            )));
        }
        Ok(Cow::Owned(content))
    })
}

/// The folder inside the archive, with its slash: everything before `data.pkl`.
fn pickle_folder(archive: &ZipArchive<Cursor<&[u8]>>) -> Parsed<String> {
    let names = archive.file_names().filter_map(Result::ok);
    let mut folders = names.filter_map(|name| {
        let folder = name.strip_suffix(PICKLE)?;
        (folder.is_empty() || folder.ends_with('/')).then(|| folder.to_string())
    });
    folders.next().ok_or_else(|| Malformed::new("a zip archive, but not torch's: it has no data.pkl"))
}

/// A file of the archive, which has `whole` bytes itself; its checksum is verified.
fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, whole: usize) -> Parsed<Vec<u8>> {
    let failed = |e: String| Malformed::new(format!("zip, {name}: {e}"));
    let mut file = archive.by_name(name).map_err(|e| failed(e.to_string()))?;
    if file.compression() != CompressionMethod::Stored {
        return Err(failed(
            "is compressed, which torch.save doesn't do; unpack and save it again".to_string(),
        ));
    }
    let size = usize::try_from(file.size()).ok().filter(|&size| size <= whole);
    let size = size.ok_or_else(|| failed("claims to be larger than the file it is in".to_string()))?;
    let mut content = Vec::with_capacity(size);
    file.read_to_end(&mut content).map_err(|e| failed(e.to_string()))?;
    Ok(content)
}
