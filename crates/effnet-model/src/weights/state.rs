//! From what a pickle made to the index of named tensors.

use std::collections::{BTreeMap, HashMap};

use super::elements::Element;
use super::index::{Index, Run};
use super::parsed::{Malformed, Parsed};
use super::pickle::{Arena, Storage, Value};

/// Keys under which training scripts keep the weights among other things.
const WRAPPERS: [&str; 2] = ["state_dict", "model"];

/// The prefix that PyTorch's `DataParallel` puts before every name.
const PARALLEL: &str = "module.";

/// The tensors of the dictionary that is `value`, in a file of so many bytes. `run` says where a storage lies; it is asked
/// once for each.
pub(super) fn index<'a>(
    arena: &Arena<'a>,
    value: Value<'a>,
    file: usize,
    mut run: impl FnMut(&Storage<'a>) -> Parsed<Run>,
) -> Parsed<Index> {
    let mut index = Index::new(file);
    let mut runs: HashMap<&str, usize> = HashMap::new();
    let named: BTreeMap<&str, usize> = state(arena, value)?.into_iter().collect();
    let parallel = named.keys().all(|name| name.starts_with(PARALLEL));
    for (name, tensor) in named {
        let tensor = &arena.tensors[tensor];
        let storage = &arena.storages[tensor.storage];
        let Element::Float(float) = storage.element else { continue };
        let at = match runs.get(storage.key) {
            Some(at) => *at,
            None => {
                index.runs.push(run(storage)?);
                runs.insert(storage.key, index.runs.len() - 1);
                index.runs.len() - 1
            }
        };
        let name = if parallel { &name[PARALLEL.len()..] } else { name };
        index.add(name, at, float, tensor.view.clone())?;
    }
    Ok(index)
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
