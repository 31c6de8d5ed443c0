//! What a pickle makes: plain values, tensors, and objects of any other class, of which nothing is known but what they hold.
//!
//! Compound values lie in an arena and refer to each other by index, so that nesting of any depth, and cycles, cost
//! nothing and can be dropped without recursion.

use super::elements::{Element, Float, View};
use super::parsed::{Malformed, Parsed};
use super::place::shown;

/// Dimensions of a tensor, at most: those of weights have five. A short file can name one long tuple as the shape of thousands.
const MOST_DIMENSIONS: usize = 8;

/// One value. Compound ones are indices into [`Arena`].
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i128),
    Text(&'a str),
    /// A value that says nothing about weights, and what it is.
    Other(&'static str),
    Sequence(usize),
    Dict(usize),
    Global(Global<'a>),
    Storage(usize),
    Tensor(usize),
    Object(usize),
}

/// The names that a file may ask for. Python would look each up and call it; here the few that make tensors have a meaning, and all
/// others stay names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global<'a> {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    /// torch's way to a tensor of a class of its own: the function that makes it and the arguments are arguments.
    RebuildFromType,
    /// Python's ways to an object: the class is the first argument.
    NewObject,
    Storage(Element),
    /// Any other name, of a class or of a function: its module and itself.
    Foreign(&'a str, &'a str),
}

impl<'a> Global<'a> {
    pub(super) fn named(module: &'a str, name: &'a str) -> Self {
        let float = |float| Self::Storage(Element::Float(float));
        match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            (
                "torch._utils",
                "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3" | "_rebuild_qtensor",
            ) => Self::RebuildTensor,
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                Self::RebuildParameter
            }
            ("torch._tensor", "_rebuild_from_type_v2") => Self::RebuildFromType,
            ("copyreg" | "copy_reg", "_reconstructor" | "__newobj__" | "__newobj_ex__") => Self::NewObject,
            ("torch", "FloatStorage") => float(Float::F32),
            ("torch", "DoubleStorage") => float(Float::F64),
            ("torch", "HalfStorage") => float(Float::F16),
            ("torch", "BFloat16Storage") => float(Float::Bf16),
            ("torch" | "torch.storage", class) => match other_storage(class) {
                Some(element) => Self::Storage(element),
                None => Self::Foreign(module, name),
            },
            _ => Self::Foreign(module, name),
        }
    }
}

/// The elements of torch's storages that hold no floating-point numbers, or none that are read.
fn other_storage(class: &str) -> Option<Element> {
    const UNREAD: [(&str, usize); 6] = [
        ("QInt8Storage", 1),
        ("QUInt8Storage", 1),
        ("QInt32Storage", 4),
        ("ComplexFloatStorage", 8),
        ("ComplexDoubleStorage", 16),
        ("UntypedStorage", 1),
    ];
    match class {
        "LongStorage" => Some(Element::Integer(8)),
        "IntStorage" => Some(Element::Integer(4)),
        "ShortStorage" => Some(Element::Integer(2)),
        "CharStorage" | "ByteStorage" | "BoolStorage" => Some(Element::Integer(1)),
        _ => {
            let unread = UNREAD.iter().find(|(name, _)| *name == class);
            unread.map(|(name, size)| Element::Unread(name, *size))
        }
    }
}

/// A run of numbers in the file, which tensors are views of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Storage<'a> {
    pub(super) key: &'a str,
    pub(super) element: Element,
    pub(super) len: usize,
    /// Elements before the part that is meant, where the old format names a part of a storage.
    pub(super) start: usize,
}

/// A tensor: a storage, by index, and what it shows of it.
#[derive(Debug, Clone)]
pub(super) struct TensorView {
    pub(super) storage: usize,
    pub(super) view: View,
}

/// An object of a class that is not known here, or the result of a function that is not. Nothing of it is made or run.
#[derive(Debug)]
pub(super) struct Object<'a> {
    /// What would be called.
    pub(super) class: Value<'a>,
    /// The arguments of the call, and what would be set as its attributes: dictionaries, or tuples of them.
    pub(super) states: Vec<Value<'a>>,
    /// What would be set as its items, as a dictionary's.
    pub(super) items: Vec<(Value<'a>, Value<'a>)>,
}

/// Everything that a pickle made.
#[derive(Debug, Default)]
pub(super) struct Arena<'a> {
    pub(super) sequences: Vec<Vec<Value<'a>>>,
    pub(super) dicts: Vec<Vec<(Value<'a>, Value<'a>)>>,
    pub(super) storages: Vec<Storage<'a>>,
    pub(super) tensors: Vec<TensorView>,
    pub(super) objects: Vec<Object<'a>>,
}

impl<'a> Arena<'a> {
    pub(super) fn sequence(&mut self, items: Vec<Value<'a>>) -> Value<'a> {
        self.sequences.push(items);
        Value::Sequence(self.sequences.len() - 1)
    }

    pub(super) fn dict(&mut self, items: Vec<(Value<'a>, Value<'a>)>) -> Value<'a> {
        self.dicts.push(items);
        Value::Dict(self.dicts.len() - 1)
    }

    pub(super) fn object(&mut self, class: Value<'a>, arguments: Value<'a>) -> Value<'a> {
        self.objects.push(Object { class, states: vec![arguments], items: Vec::new() });
        Value::Object(self.objects.len() - 1)
    }

    pub(super) fn items(&self, value: Value<'a>) -> Parsed<&[Value<'a>]> {
        match value {
            Value::Sequence(at) => Ok(&self.sequences[at]),
            other => Err(Malformed::new(format!("{} where a tuple is needed", self.described(other)))),
        }
    }

    /// An integer as a size.
    pub(super) fn size(&self, value: Value<'a>) -> Parsed<usize> {
        match value {
            Value::Int(n) => {
                usize::try_from(n).map_err(|_| Malformed::new(format!("{n} where a size is needed")))
            }
            other => Err(Malformed::new(format!("{} where a size is needed", self.described(other)))),
        }
    }

    /// The integers of a tuple as sizes.
    pub(super) fn sizes(&self, value: Value<'a>) -> Parsed<Vec<usize>> {
        let items = self.items(value)?;
        if items.len() > MOST_DIMENSIONS {
            let found = items.len();
            return Err(Malformed::new(format!(
                "a tensor of {found} dimensions; {MOST_DIMENSIONS} are read"
            )));
        }
        items.iter().map(|&v| self.size(v)).collect()
    }

    /// The items of a dictionary, or what an object holds by name: its items, its attributes, and the dictionaries and lists of pairs that
    /// it is made from. Keys may be any values.
    pub(super) fn entries(&self, value: Value<'a>) -> impl Iterator<Item = (Value<'a>, Value<'a>)> {
        let (own, states): (&[(Value<'a>, Value<'a>)], &[Value<'a>]) = match value {
            Value::Dict(at) => (&self.dicts[at], &[]),
            Value::Object(at) => (&self.objects[at].items, &self.objects[at].states),
            _ => (&[], &[]),
        };
        let parts = states.iter().flat_map(|state| match state {
            Value::Sequence(at) => &self.sequences[*at][..],
            _ => std::slice::from_ref(state),
        });
        let set = parts.flat_map(|part| {
            let (items, pairs): (&[(Value<'a>, Value<'a>)], &[Value<'a>]) = match part {
                Value::Dict(at) => (&self.dicts[*at], &[]),
                Value::Sequence(at) => (&[], &self.sequences[*at]),
                _ => (&[], &[]),
            };
            items.iter().copied().chain(pairs.iter().filter_map(|pair| self.pair(*pair)))
        });
        own.iter().copied().chain(set)
    }

    fn pair(&self, value: Value<'a>) -> Option<(Value<'a>, Value<'a>)> {
        let Value::Sequence(at) = value else { return None };
        match self.sequences[at][..] {
            [key, value] => Some((key, value)),
            _ => None,
        }
    }

    /// The words for a value in a message.
    pub(super) fn described(&self, value: Value<'a>) -> String {
        match value {
            Value::None => "None".to_owned(),
            Value::Bool(value) => if value { "True" } else { "False" }.to_owned(),
            Value::Int(value) => format!("the number {value}"),
            Value::Text(text) => format!("the text \"{}\"", shown(text)),
            Value::Other(what) => what.to_owned(),
            Value::Sequence(at) => format!("a list or tuple of {} items", self.sequences[at].len()),
            Value::Dict(at) => format!("a dictionary of {} items", self.dicts[at].len()),
            Value::Global(global) => format!("the name {}", name_of(global)),
            Value::Storage(_) => "a tensor's storage".to_owned(),
            Value::Tensor(_) => "a tensor".to_owned(),
            Value::Object(at) => match self.objects[at].class {
                Value::Global(class) => format!("an object of {}", name_of(class)),
                _ => "an object of no class that is named".to_owned(),
            },
        }
    }
}

/// A name as Python spells it.
pub(super) fn name_of(global: Global<'_>) -> String {
    match global {
        Global::OrderedDict => "collections.OrderedDict".to_owned(),
        Global::RebuildTensor => "torch._utils._rebuild_tensor_v2".to_owned(),
        Global::RebuildParameter => "torch._utils._rebuild_parameter".to_owned(),
        Global::RebuildFromType => "torch._tensor._rebuild_from_type_v2".to_owned(),
        Global::NewObject => "copyreg.__newobj__".to_owned(),
        Global::Storage(_) => "a storage of torch's".to_owned(),
        Global::Foreign(module, name) => format!("{}.{}", shown(module), shown(name)),
    }
}
