//! torch's format before 1.6: five pickles one after another (magic number, version, system, object, keys of the
//! storages), then each storage's length and raw numbers (`_legacy_save` of torch's `serialization.py`).

use std::borrow::Cow;
use std::collections::HashMap;

use candle_core::Tensor;

use super::elements::Budget;
use super::machine::{Unpickled, unpickle};
use super::pickle::{Arena, Storage, Value};
use super::{Malformed, Parsed, state};

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const VERSION: i128 = 1001;

pub(super) fn read(bytes: &[u8]) -> Parsed<HashMap<String, Tensor>> {
    let mut at = 0;
    let mut next = |what: &str| {
        let rest = bytes.get(at..).unwrap_or_default();
        let read =
            unpickle(rest).map_err(|Malformed(why)| Malformed::new(format!("{what}, from byte {at}: {why}")));
        at += read.as_ref().map_or(0, |unpickled| unpickled.length);
        read
    };
    let magic = next("magic number")?;
    let version = next("version")?;
    let system = next("system")?;
    let object = next("object")?;
    let keys = next("storage keys")?;
    if !matches!(magic.value, Value::Int(MAGIC)) {
        return Err(Malformed::new("not torch's magic number"));
    }
    if !matches!(version.value, Value::Int(VERSION)) {
        return Err(Malformed::new(format!(
            "version {:?} of torch's old format; {VERSION} is read",
            version.value
        )));
    }
    if says_big_endian(&system) {
        return Err(Malformed::new("written on a big-endian machine, which is not read"));
    }
    let storages = locate(bytes, at, &object.arena, &keys)?;
    state::tensors(&object.arena, object.value, Budget::of_file(bytes), |storage| {
        let found = storages.get(storage.key).copied();
        let found =
            found.ok_or_else(|| Malformed::new(format!("storage {:?} is not in the file", storage.key)))?;
        Ok(Cow::Borrowed(found))
    })
}

fn says_big_endian(system: &Unpickled<'_>) -> bool {
    let Value::Dict(dict) = system.value else { return false };
    let mut items = system.arena.dicts[dict].iter();
    items.any(|item| matches!(item, (Value::Text("little_endian"), Value::Bool(false))))
}

/// The bytes of each storage, which lie in the order of `keys` from byte `at` on.
fn locate<'a>(
    bytes: &'a [u8],
    mut at: usize,
    arena: &Arena<'a>,
    keys: &Unpickled<'a>,
) -> Parsed<HashMap<&'a str, &'a [u8]>> {
    let described: HashMap<&str, &Storage<'_>> = arena.storages.iter().map(|s| (s.key, s)).collect();
    let mut found = HashMap::new();
    for &key in keys.arena.items(keys.value)? {
        let Value::Text(key) = key else {
            return Err(Malformed::new(format!("{key:?} where a storage's key is needed")));
        };
        let storage = described.get(key);
        let storage = storage.ok_or_else(|| Malformed::new(format!("storage {key:?} is of no tensor")))?;
        let cut = || Malformed::new(format!("the file ends inside storage {key:?}, at byte {at}"));
        let rest = bytes.get(at..).unwrap_or_default();
        let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
        let length = i64::from_le_bytes(*length);
        if usize::try_from(length).ok() != Some(storage.len) {
            let said = storage.len;
            return Err(Malformed::new(format!(
                "storage {key:?} has {length} elements, its description says {said}"
            )));
        }
        let size = storage.len.checked_mul(storage.element.size()).ok_or_else(cut)?;
        found.insert(key, rest.get(..size).ok_or_else(cut)?);
        at += 8 + size;
    }
    Ok(found)
}
