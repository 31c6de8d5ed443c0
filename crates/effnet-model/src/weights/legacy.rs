//! torch's format before 1.6: five pickles one after another (magic number, version, system, object, keys of the
//! storages), then each storage's length and raw numbers (`_legacy_save` of torch's `serialization.py`).

use std::collections::HashMap;
use std::ops::Range;

use super::index::{Index, Run};
use super::machine::{Unpickled, unpickle};
use super::parsed::{Malformed, Parsed, Refused};
use super::pickle::{Arena, Storage, Value};
use super::state;

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const VERSION: i128 = 1001;

/// The magic number in protocols 0 and 1, which know no binary integers of its length.
const MAGIC_LINE: &[u8] = b"L119547037146038801333356L\n";

/// Whether the bytes begin as a pickle does: with the number of its protocol, or with torch's magic number.
pub(super) fn is_pickle(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 2..=5, ..]) || bytes.starts_with(MAGIC_LINE)
}

pub(super) fn index(bytes: &[u8], wanted: Option<&str>) -> Result<Index, Refused> {
    let mut at = 0;
    let mut next = |what: &str| {
        let rest = bytes.get(at..).unwrap_or_default();
        let read = unpickle(rest, bytes.len())
            .map_err(|Malformed(why)| Malformed::new(format!("{what}, from byte {at}: {why}")));
        at += read.as_ref().map_or(0, |unpickled| unpickled.length);
        read
    };
    let magic = next("magic number")?;
    if !matches!(magic.value, Value::Int(MAGIC)) {
        return Err(Malformed::new(format!(
            "a pickle that torch.save didn't write: it holds {}; save the weights by torch.save(model.state_dict(), FILE), or as safetensors",
            magic.arena.described(magic.value)
        ))
        .into());
    }
    let version = next("version")?;
    let system = next("system")?;
    let object = next("object")?;
    let keys = next("storage keys")?;
    if !matches!(version.value, Value::Int(VERSION)) {
        let found = version.arena.described(version.value);
        return Err(
            Malformed::new(format!("{found} as version of torch's old format; {VERSION} is read")).into()
        );
    }
    if says_big_endian(&system) {
        return Err(Malformed::new("written on a big-endian machine, which is not read").into());
    }
    let runs = locate(bytes, at, &object.arena, &keys)?;
    state::index(&object.arena, object.value, bytes.len(), wanted, |storage| {
        let found = runs.get(storage.key).cloned();
        let found =
            found.ok_or_else(|| Malformed::new(format!("storage {:?} is not in the file", storage.key)))?;
        Ok(Run::new(found, None))
    })
}

fn says_big_endian(system: &Unpickled<'_>) -> bool {
    let Value::Dict(dict) = system.value else { return false };
    let mut items = system.arena.dicts[dict].iter();
    items.any(|item| matches!(item, (Value::Text("little_endian"), Value::Bool(false))))
}

/// Where each storage's bytes are: they lie in the order of `keys` from byte `at` on.
fn locate<'a>(
    bytes: &'a [u8],
    mut at: usize,
    arena: &Arena<'a>,
    keys: &Unpickled<'a>,
) -> Parsed<HashMap<&'a str, Range<usize>>> {
    let described: HashMap<&str, &Storage<'_>> = arena.storages.iter().map(|s| (s.key, s)).collect();
    let mut found = HashMap::new();
    for &key in keys.arena.items(keys.value)? {
        let Value::Text(key) = key else {
            let found = keys.arena.described(key);
            return Err(Malformed::new(format!("{found} where a storage's key is needed")));
        };
        let storage = described.get(key);
        let storage = storage.ok_or_else(|| Malformed::new(format!("storage {key:?} is of no tensor")))?;
        let begin = at;
        let cut = || {
            Malformed::new(format!(
                "the file ends inside storage {key:?}, at byte {begin}: the download is not complete; fetch it again"
            ))
        };
        let rest = bytes.get(at..).unwrap_or_default();
        let length = i64::from_le_bytes(*rest.first_chunk().ok_or_else(cut)?);
        if usize::try_from(length).ok() != Some(storage.len) {
            let described = storage.len;
            return Err(Malformed::new(format!(
                "storage {key:?} has {length} elements, its description says {described}"
            )));
        }
        let size = storage.len.checked_mul(storage.element.size()).ok_or_else(cut)?;
        let start = at + size_of_val(&length);
        at = start.checked_add(size).filter(|end| *end <= bytes.len()).ok_or_else(cut)?;
        found.insert(key, start..at);
    }
    Ok(found)
}
