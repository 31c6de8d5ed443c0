//! What Python would do by calling a name of a pickle. Only what makes tensors is done; all else becomes an object of which nothing is
//! run.

use super::elements::View;
use super::parsed::Parsed;
use super::pickle::{Arena, Global, Storage, TensorView, Value};

/// Name of a storage, and of the class of a module in torch's old format, among the persistent ids.
const STORAGE: &str = "storage";
const MODULE: &str = "module";

impl<'a> Arena<'a> {
    /// What a persistent id of torch's stands for: `('storage', torch.FloatStorage, key, location, length)`, to which the old format adds
    /// the part of the storage that is meant, `(key, start, length)`; or `('module', class, file, source)`. Any other becomes an object.
    pub(super) fn persistent(&mut self, id: Value<'a>) -> Parsed<Value<'a>> {
        let Value::Sequence(at) = id else { return Ok(self.object(Value::None, id)) };
        let (key, element, len, part) = match self.sequences[at][..] {
            [Value::Text(STORAGE), Value::Global(Global::Storage(element)), Value::Text(key), _, len] => {
                (key, element, len, Value::None)
            }
            [
                Value::Text(STORAGE),
                Value::Global(Global::Storage(element)),
                Value::Text(key),
                _,
                len,
                part,
            ] => (key, element, len, part),
            [Value::Text(MODULE), class, ..] => return Ok(class),
            [Value::Text(STORAGE), class, ..] => return Ok(self.object(class, id)),
            _ => return Ok(self.object(Value::None, id)),
        };
        let len = self.size(len)?;
        let start = match part {
            Value::Sequence(at) => match self.sequences[at][..] {
                [_, start, _] => self.size(start)?,
                _ => 0,
            },
            _ => 0,
        };
        self.storages.push(Storage { key, element, len, start });
        Ok(Value::Storage(self.storages.len() - 1))
    }

    /// The value that stands for the result of calling `function` with `arguments`.
    pub(super) fn reduce(&mut self, function: Value<'a>, arguments: Value<'a>) -> Parsed<Value<'a>> {
        let (Value::Global(called), Value::Sequence(at)) = (function, arguments) else {
            return Ok(self.object(function, arguments));
        };
        match (called, &self.sequences[at][..]) {
            (Global::OrderedDict, []) => Ok(self.dict(Vec::new())),
            (Global::RebuildParameter, &[tensor @ Value::Tensor(_), ..]) => Ok(tensor),
            (Global::RebuildTensor, &[Value::Storage(storage), offset, shape, strides, ..]) => {
                self.tensor(storage, offset, shape, strides)
            }
            // Once, for one within the other could go on without end.
            (Global::RebuildFromType, &[Value::Global(inner), _, arguments, ..])
                if inner != Global::RebuildFromType =>
            {
                self.reduce(Value::Global(inner), arguments)
            }
            (Global::NewObject, &[class, ..]) => Ok(self.object(class, arguments)),
            _ => Ok(self.object(function, arguments)),
        }
    }

    fn tensor(
        &mut self,
        storage: usize,
        offset: Value<'a>,
        shape: Value<'a>,
        strides: Value<'a>,
    ) -> Parsed<Value<'a>> {
        let offset = self.size(offset)?.saturating_add(self.storages[storage].start);
        let view = View { offset, shape: self.sizes(shape)?, strides: self.sizes(strides)? };
        self.tensors.push(TensorView { storage, view });
        Ok(Value::Tensor(self.tensors.len() - 1))
    }
}
