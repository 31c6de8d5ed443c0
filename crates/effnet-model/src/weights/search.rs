//! The dictionaries of named tensors in what a pickle made: a few levels below its value, in dictionaries, lists and objects, and the
//! parameters of whole pickled modules.

use std::borrow::Cow;
use std::collections::HashSet;

use super::elements::Element;
use super::parsed::{Malformed, Parsed};
use super::pickle::{Arena, Value, name_of};
use super::place::shown;
use super::selection::{Dictionary, KEYS_SHOWN};

/// Levels below the pickle's value that are searched.
const DEEPEST: usize = 4;

/// Modules inside modules, at most.
const DEEPEST_MODULE: usize = 32;

/// Keys of more bytes are nobody's names of wrappers.
const LONGEST_KEY: usize = 200;

/// Items that are looked at. A file of a few bytes can refer to one list of thousands of items thousands of times.
const MOST_ITEMS: usize = 4_000_000;

/// Dictionaries that are taken down. A checkpoint has a handful, and one for each parameter in an optimiser's state.
const MOST_DICTIONARIES: usize = 4096;

/// A value, and how it is reached.
struct Node<'a> {
    value: Value<'a>,
    parent: Option<usize>,
    key: Key<'a>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Key<'a> {
    Name(&'a str),
    Position(usize),
}

/// The dictionaries with named tensors, those that are reached in fewer steps first; of a tensor its place in the arena. `file` is the
/// length of the whole file.
///
/// # Errors
/// If there is no such dictionary, with what there is.
pub(super) fn dictionaries<'a>(
    arena: &Arena<'a>,
    value: Value<'a>,
    file: usize,
) -> Parsed<Vec<Dictionary<'a, usize>>> {
    let mut search = Search { arena, items: MOST_ITEMS, names: file, seen: HashSet::new() };
    let mut nodes = vec![Node { value, parent: None, key: Key::Position(0), depth: 0 }];
    let mut found = Vec::new();
    let mut next = 0;
    while next < nodes.len() && found.len() < MOST_DICTIONARIES && search.items > 0 {
        let Node { value, depth, .. } = nodes[next];
        let module = search.is_module(value);
        let tensors = if module { search.module(value)? } else { search.named_tensors(value) };
        if !tensors.is_empty() || search.holds_tensors(value) {
            let class = if module { class_of(arena, value) } else { None };
            found.push(Dictionary { key: path(&nodes, next), class, tensors });
        }
        if !module && depth < DEEPEST {
            search.push_children(&mut nodes, next);
        }
        next += 1;
    }
    if found.is_empty() { Err(nothing(arena, value)) } else { Ok(found) }
}

struct Search<'s, 'a> {
    arena: &'s Arena<'a>,
    /// Items that may still be looked at.
    items: usize,
    /// Bytes that further names of modules' parameters may have.
    names: usize,
    /// Compound values that were reached.
    seen: HashSet<(u8, usize)>,
}

impl<'a> Search<'_, 'a> {
    /// The tensors of a dictionary or an object by name, without integers.
    fn named_tensors(&self, value: Value<'a>) -> Vec<(Cow<'a, str>, usize)> {
        let named = self.arena.entries(value).take(self.items).filter_map(|entry| match entry {
            (Value::Text(name), Value::Tensor(tensor)) if !self.is_integer(tensor) => {
                Some((Cow::Borrowed(name), tensor))
            }
            _ => None,
        });
        named.collect()
    }

    fn is_integer(&self, tensor: usize) -> bool {
        matches!(self.arena.storages[self.arena.tensors[tensor].storage].element, Element::Integer(_))
    }

    /// Whether a dictionary or an object has tensors of any type by name.
    fn holds_tensors(&self, value: Value<'a>) -> bool {
        let mut entries = self.arena.entries(value).take(self.items);
        entries.any(|entry| matches!(entry, (Value::Text(_), Value::Tensor(_))))
    }

    /// The compound values that a value holds, unless they were reached before.
    fn push_children(&mut self, nodes: &mut Vec<Node<'a>>, parent: usize) {
        let Node { value, depth, .. } = nodes[parent];
        let mut push = |seen: &mut HashSet<_>, key, value| {
            let place = match value {
                Value::Sequence(at) => (0, at),
                Value::Dict(at) => (1, at),
                Value::Object(at) => (2, at),
                _ => return,
            };
            if seen.insert(place) {
                nodes.push(Node { value, parent: Some(parent), key, depth: depth + 1 });
            }
        };
        if let Value::Sequence(at) = value {
            for (position, item) in self.arena.sequences[at].iter().take(self.items).enumerate() {
                self.items -= 1;
                push(&mut self.seen, Key::Position(position), *item);
            }
        }
        for (key, item) in self.arena.entries(value).take(self.items) {
            self.items -= 1;
            let key = match key {
                Value::Text(name) if name.len() <= LONGEST_KEY => Key::Name(name),
                Value::Int(number) => Key::Position(usize::try_from(number).unwrap_or_default()),
                _ => continue,
            };
            push(&mut self.seen, key, item);
        }
    }

    /// Whether a value is an object with the attributes of a `torch.nn.Module`.
    fn is_module(&self, value: Value<'a>) -> bool {
        matches!(value, Value::Object(_))
            && self.attribute(value, "_parameters").is_some()
            && self.attribute(value, "_modules").is_some()
    }

    fn attribute(&self, value: Value<'a>, wanted: &str) -> Option<Value<'a>> {
        let entries = self.arena.entries(value).take(self.items);
        let mut of_name = entries.filter(|(key, _)| matches!(key, Value::Text(name) if *name == wanted));
        of_name.next().map(|(_, value)| value)
    }

    /// The parameters and buffers of a module and of the modules in it, by the names that its `state_dict()` gives them.
    fn module(&mut self, value: Value<'a>) -> Parsed<Vec<(Cow<'a, str>, usize)>> {
        let mut tensors = Vec::new();
        let mut open = vec![(value, String::new(), 0)];
        while let Some((module, prefix, depth)) = open.pop() {
            for kind in ["_parameters", "_buffers"] {
                let Some(named) = self.attribute(module, kind) else { continue };
                for (name, tensor) in self.named_tensors(named) {
                    let name = format!("{prefix}{name}");
                    self.spend(name.len())?;
                    tensors.push((Cow::Owned(name), tensor));
                }
            }
            let Some(modules) = self.attribute(module, "_modules") else { continue };
            if depth == DEEPEST_MODULE {
                continue;
            }
            for (key, inner) in self.arena.entries(modules).take(self.items) {
                let (Value::Text(name), Value::Object(at)) = (key, inner) else { continue };
                self.items -= 1;
                if self.seen.insert((2, at)) {
                    let prefix = format!("{prefix}{name}.");
                    self.spend(prefix.len())?;
                    open.push((inner, prefix, depth + 1));
                }
            }
        }
        Ok(tensors)
    }

    fn spend(&mut self, bytes: usize) -> Parsed<()> {
        self.names = self.names.checked_sub(bytes).ok_or_else(|| {
            Malformed::new("the names of a pickled module's parameters are longer together than the file")
        })?;
        Ok(())
    }
}

/// The keys on the way to a node, with dots between them.
fn path(nodes: &[Node<'_>], node: usize) -> String {
    let mut keys = Vec::new();
    let mut at = &nodes[node];
    while let Some(parent) = at.parent {
        keys.push(match at.key {
            Key::Name(name) => name.to_owned(),
            Key::Position(position) => position.to_string(),
        });
        at = &nodes[parent];
    }
    keys.reverse();
    keys.join(".")
}

fn class_of<'a>(arena: &Arena<'a>, value: Value<'a>) -> Option<String> {
    let Value::Object(at) = value else { return None };
    match arena.objects[at].class {
        Value::Global(class) => Some(name_of(class)),
        _ => None,
    }
}

/// The error for a pickle without named tensors, with what it holds.
fn nothing<'a>(arena: &Arena<'a>, value: Value<'a>) -> Malformed {
    let names = arena.entries(value).filter_map(|(key, _)| match key {
        Value::Text(name) => Some(shown(name)),
        _ => None,
    });
    let names: Vec<String> = names.take(KEYS_SHOWN).collect();
    let keys = if names.is_empty() { String::new() } else { format!(" ({}, ...)", names.join(", ")) };
    Malformed::new(format!(
        "it holds {}{keys}, and no dictionary of tensors by name; save the weights alone, \
         torch.save(model.state_dict(), FILE), or as safetensors",
        arena.described(value)
    ))
}
