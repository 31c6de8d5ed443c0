//! From what a pickle made to the index of named tensors.

use std::collections::{BTreeMap, HashMap};

use super::elements::Element;
use super::index::{Index, Run};
use super::parsed::{Malformed, Parsed, Refused};
use super::pickle::{Arena, Storage, Value};
use super::{search, selection};

/// The index of the weights that are taken of `value`, in a file of so many bytes. `run` says where a storage lies; it is asked once for
/// each.
pub(super) fn index<'a>(
    arena: &Arena<'a>,
    value: Value<'a>,
    file: usize,
    wanted: Option<&str>,
    mut run: impl FnMut(&Storage<'a>) -> Parsed<Run>,
) -> Result<Index, Refused> {
    let mut index = Index::new(file);
    let mut runs: HashMap<&str, usize> = HashMap::new();
    let (named, taken) = selection::select(search::dictionaries(arena, value, file)?, wanted)?;
    index.taken = taken;
    // Of a name that comes twice the last counts, as in Python; it is read in the order of names.
    let named: BTreeMap<_, _> = named.into_iter().collect();
    for (name, tensor) in named {
        let tensor = &arena.tensors[tensor];
        let storage = &arena.storages[tensor.storage];
        let float = match storage.element {
            Element::Float(float) => float,
            Element::Integer(_) => continue,
            Element::Unread(class, _) => {
                let reason = format!("tensor {name:?} is of torch.{class}; f16, bf16, f32 and f64 are read");
                return Err(Malformed::new(reason).into());
            }
        };
        let at = match runs.get(storage.key) {
            Some(at) => *at,
            None => {
                index.runs.push(run(storage)?);
                runs.insert(storage.key, index.runs.len() - 1);
                index.runs.len() - 1
            }
        };
        index.add(&name, at, float, tensor.view.clone())?;
    }
    Ok(index)
}
