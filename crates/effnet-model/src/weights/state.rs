//! From what a pickle made to named tensors.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use candle_core::Tensor;

use super::elements::{self, Budget, Element};
use super::pickle::{Arena, Storage, Value};
use super::{Malformed, Parsed};

/// Keys under which training scripts keep the weights among other things.
const WRAPPERS: [&str; 2] = ["state_dict", "model"];

/// The prefix that PyTorch's `DataParallel` puts before every name.
const PARALLEL: &str = "module.";

/// The tensors of the dictionary that is `value`, their numbers read by `storage`, which is asked once for each.
pub(super) fn tensors<'a>(
    arena: &Arena<'a>,
    value: Value<'a>,
    mut budget: Budget,
    mut storage: impl FnMut(&Storage<'a>) -> Parsed<Cow<'a, [u8]>>,
) -> Parsed<HashMap<String, Tensor>> {
    // By storage, so that one at a time is held. Of a name that comes twice the last counts, as in Python.
    let mut wanted: BTreeMap<&str, Vec<(&str, usize)>> = BTreeMap::new();
    let named: BTreeMap<&str, usize> = state(arena, value)?.into_iter().collect();
    for (&name, &tensor) in &named {
        let key = arena.storages[arena.tensors[tensor].storage].key;
        wanted.entry(key).or_default().push((name, tensor));
    }
    let mut out = HashMap::new();
    for views in wanted.values() {
        let mut bytes: Option<Cow<'a, [u8]>> = None;
        for &(name, tensor) in views {
            let tensor = &arena.tensors[tensor];
            let described = &arena.storages[tensor.storage];
            let Element::Float(dtype) = described.element else { continue };
            let bytes = match &bytes {
                Some(bytes) => bytes,
                None => bytes.insert(storage(described)?),
            };
            let read = elements::tensor(dtype, bytes, &tensor.view, &mut budget);
            let read =
                read.map_err(|Malformed(reason)| Malformed::new(format!("tensor {name:?}: {reason}")))?;
            out.insert(name.to_string(), read);
        }
    }
    if !out.is_empty() && out.keys().all(|name| name.starts_with(PARALLEL)) {
        out = out.into_iter().map(|(name, t)| (name[PARALLEL.len()..].to_string(), t)).collect();
    }
    Ok(out)
}

/// Names and tensors of the dictionary, or of the one inside it which holds the weights.
fn state<'a>(arena: &Arena<'a>, value: Value<'a>) -> Parsed<Vec<(&'a str, usize)>> {
    let Value::Dict(outer) = value else {
        return Err(Malformed::new(format!("holds {value:?}, not a dictionary of tensors")));
    };
    let named = |dict: usize| -> Vec<(&'a str, usize)> {
        let pairs = arena.dicts[dict].iter();
        let tensor = |&(key, value)| match (key, value) {
            (Value::Text(name), Value::Tensor(tensor)) => Some((name, tensor)),
            _ => None,
        };
        pairs.filter_map(tensor).collect()
    };
    let tensors = named(outer);
    if !tensors.is_empty() {
        return Ok(tensors);
    }
    let inner = arena.dicts[outer].iter().find_map(|&(key, value)| match (key, value) {
        (Value::Text(name), Value::Dict(dict)) if WRAPPERS.contains(&name) => Some(dict),
        _ => None,
    });
    Ok(inner.map(named).unwrap_or_default())
}
