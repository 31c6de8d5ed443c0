//! What a pickle of tensors may hold: a handful of plain values, and the few names that stand for tensors.
//!
//! Compound values lie in an arena and refer to each other by index, so that nesting of any depth, and cycles, cost
//! nothing and can be dropped without recursion.

use super::elements::{Element, Float, View};
use super::parsed::{Malformed, Parsed};

/// Dimensions of a tensor, at most: those of weights have five. A short file can name one long tuple as the shape of thousands.
const MOST_DIMENSIONS: usize = 8;

/// So many items of a tuple are spelled out in a message: a short file can hold one long text thousands of times.
const ITEMS_SHOWN: usize = 6;

/// One value. Compound ones are indices into [`Arena`].
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i128),
    Float,
    Text(&'a str),
    Sequence(usize),
    Dict(usize),
    Global(Global),
    Storage(usize),
    Tensor(usize),
}

/// The names that a file may ask for. Python would look each up and call it; here they are only ever these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Element),
}

impl Global {
    pub(super) fn named(module: &str, name: &str) -> Parsed<Self> {
        let float = |float| Ok(Self::Storage(Element::Float(float)));
        let integer = |size| Ok(Self::Storage(Element::Integer(size)));
        match (module, name) {
            ("collections", "OrderedDict") => Ok(Self::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2") => Ok(Self::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => Ok(Self::RebuildParameter),
            ("torch", "FloatStorage") => float(Float::F32),
            ("torch", "DoubleStorage") => float(Float::F64),
            ("torch", "HalfStorage") => float(Float::F16),
            ("torch", "BFloat16Storage") => float(Float::Bf16),
            ("torch", "LongStorage") => integer(8),
            ("torch", "IntStorage") => integer(4),
            ("torch", "ShortStorage") => integer(2),
            ("torch", "CharStorage" | "ByteStorage" | "BoolStorage") => integer(1),
            _ => Err(Malformed::new(format!(
                "it asks for {:?}, which is no part of a dictionary of tensors and could run code: refused; \
                 save the weights alone, torch.save(model.state_dict(), FILE), or as safetensors",
                format!("{module}.{name}")
            ))),
        }
    }
}

/// A run of numbers in the file, which tensors are views of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Storage<'a> {
    pub(super) key: &'a str,
    pub(super) element: Element,
    pub(super) len: usize,
}

/// A tensor: a storage, by index, and what it shows of it.
#[derive(Debug, Clone)]
pub(super) struct TensorView {
    pub(super) storage: usize,
    pub(super) view: View,
}

/// Everything that a pickle made.
#[derive(Debug, Default)]
pub(super) struct Arena<'a> {
    pub(super) sequences: Vec<Vec<Value<'a>>>,
    pub(super) dicts: Vec<Vec<(Value<'a>, Value<'a>)>>,
    pub(super) storages: Vec<Storage<'a>>,
    pub(super) tensors: Vec<TensorView>,
}

impl<'a> Arena<'a> {
    pub(super) fn sequence(&mut self, items: Vec<Value<'a>>) -> Value<'a> {
        self.sequences.push(items);
        Value::Sequence(self.sequences.len() - 1)
    }

    pub(super) fn dict(&mut self) -> Value<'a> {
        self.dicts.push(Vec::new());
        Value::Dict(self.dicts.len() - 1)
    }

    pub(super) fn items(&self, value: Value<'a>) -> Parsed<&[Value<'a>]> {
        match value {
            Value::Sequence(at) => Ok(&self.sequences[at]),
            other => Err(Malformed::new(format!("{other:?} where a tuple is needed"))),
        }
    }

    fn sizes(&self, value: Value<'a>) -> Parsed<Vec<usize>> {
        let items = self.items(value)?;
        if items.len() > MOST_DIMENSIONS {
            let found = items.len();
            return Err(Malformed::new(format!(
                "a tensor of {found} dimensions; {MOST_DIMENSIONS} are read"
            )));
        }
        items.iter().map(|&v| size(v)).collect()
    }

    /// `('storage', torch.FloatStorage, key, location, length)`; the old format has a sixth, for views of storages.
    pub(super) fn storage(&mut self, id: Value<'a>) -> Parsed<Value<'a>> {
        let items = self.items(id)?;
        let (key, element, len) = match *items {
            [Value::Text("storage"), Value::Global(Global::Storage(element)), Value::Text(key), _, len]
            | [
                Value::Text("storage"),
                Value::Global(Global::Storage(element)),
                Value::Text(key),
                _,
                len,
                Value::None,
            ] => (key, element, size(len)?),
            _ => {
                let shown = &items[..items.len().min(ITEMS_SHOWN)];
                let more = if shown.len() < items.len() { ", and more" } else { "" };
                return Err(Malformed::new(format!(
                    "a storage is described as {shown:?}{more}, which is not known"
                )));
            }
        };
        self.storages.push(Storage { key, element, len });
        Ok(Value::Storage(self.storages.len() - 1))
    }

    /// What Python would do by calling `function` on `arguments`.
    pub(super) fn reduce(&mut self, function: Value<'a>, arguments: Value<'a>) -> Parsed<Value<'a>> {
        let items = self.items(arguments)?;
        match (function, items) {
            (Value::Global(Global::OrderedDict), []) => Ok(self.dict()),
            (Value::Global(Global::RebuildParameter), [Value::Tensor(at), ..]) => Ok(Value::Tensor(*at)),
            (
                Value::Global(Global::RebuildTensor),
                &[Value::Storage(storage), offset, shape, strides, _requires_grad, _hooks, ..],
            ) => {
                let view =
                    View { offset: size(offset)?, shape: self.sizes(shape)?, strides: self.sizes(strides)? };
                self.tensors.push(TensorView { storage, view });
                Ok(Value::Tensor(self.tensors.len() - 1))
            }
            _ => {
                Err(Malformed::new(format!("it calls {function:?} with {} arguments: refused", items.len())))
            }
        }
    }
}

/// An integer as a size.
pub(super) fn size(value: Value<'_>) -> Parsed<usize> {
    match value {
        Value::Int(n) => {
            usize::try_from(n).map_err(|_| Malformed::new(format!("{n} where a size is needed")))
        }
        other => Err(Malformed::new(format!("{other:?} where a size is needed"))),
    }
}
