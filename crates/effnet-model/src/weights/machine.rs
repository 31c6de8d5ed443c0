//! The unpickling machine, restricted to what a dictionary of tensors needs. Opcodes and their meaning are those of
//! CPython's `pickletools.py`; torch writes protocol 2.

use std::collections::HashMap;

use super::parsed::{Malformed, Parsed};
use super::pickle::{Arena, Global, Value};

/// B7's weights take 40,000 instructions. A limit keeps what a hostile file can make us hold proportionate: about
/// a hundred bytes an instruction.
const MOST_INSTRUCTIONS: usize = 1_000_000;

/// What one pickle was, and where it ended.
pub(super) struct Unpickled<'a> {
    pub(super) value: Value<'a>,
    pub(super) arena: Arena<'a>,
    /// Bytes read, the final STOP included.
    pub(super) length: usize,
}

/// Runs the pickle at the start of `bytes`.
pub(super) fn unpickle(bytes: &[u8]) -> Parsed<Unpickled<'_>> {
    let mut machine = Machine {
        bytes,
        at: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        arena: Arena::default(),
    };
    for _ in 0..MOST_INSTRUCTIONS {
        let start = machine.at;
        match machine.step() {
            Ok(None) => {}
            Ok(Some(value)) => return Ok(Unpickled { value, arena: machine.arena, length: machine.at }),
            Err(Malformed(reason)) => {
                return Err(Malformed::new(format!("pickle, at byte {start}: {reason}")));
            }
        }
    }
    Err(Malformed::new(format!("pickle: more than {MOST_INSTRUCTIONS} instructions")))
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value<'a>>,
    /// Heights of the stack at the open MARKs.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    arena: Arena<'a>,
}

impl<'a> Machine<'a> {
    /// One instruction; the final value at STOP.
    fn step(&mut self) -> Parsed<Option<Value<'a>>> {
        let [opcode] = self.array()?;
        let value = match opcode {
            // Frame and protocol headers.
            0x80 => return self.protocol(),
            0x95 => return self.array::<8>().map(|_| None),
            // Atoms.
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'J' => Value::Int(i32::from_le_bytes(self.array()?).into()),
            b'K' => Value::Int(u8::from_le_bytes(self.array()?).into()),
            b'M' => Value::Int(u16::from_le_bytes(self.array()?).into()),
            0x8a => {
                let [length] = self.array()?;
                Value::Int(self.long(length.into())?)
            }
            b'G' => self.array::<8>().map(|_| Value::Float)?,
            b'X' | b'T' => self.text_of_length_4()?,
            0x8c | b'U' => {
                let [length] = self.array()?;
                self.text(length.into())?
            }
            // Names.
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                Value::Global(Global::named(module, name)?)
            }
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => Value::Global(Global::named(module, name)?),
                other => return Err(Malformed::new(format!("{other:?} where a name is needed"))),
            },
            // Compounds.
            b'}' => self.arena.dict(),
            b']' | b')' => self.arena.sequence(Vec::new()),
            b't' => {
                let items = self.pop_mark()?;
                self.arena.sequence(items)
            }
            0x85..=0x87 => {
                let n = usize::from(opcode - 0x84);
                let mut items = Vec::new();
                for _ in 0..n {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.arena.sequence(items)
            }
            b'Q' => {
                let id = self.pop()?;
                self.arena.storage(id)?
            }
            b'R' => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.arena.reduce(function, arguments)?
            }
            // Memory.
            b'h' => {
                let [index] = self.array()?;
                self.recall(index.into())?
            }
            b'j' => {
                let index = u32::from_le_bytes(self.array()?);
                self.recall(index)?
            }
            b'2' => self.top()?,
            // What puts nothing new on the stack.
            b'.' => return self.pop().map(Some),
            _ => return self.effect(opcode).map(|()| None),
        };
        self.stack.push(value);
        Ok(None)
    }

    /// Instructions that change what is there.
    fn effect(&mut self, opcode: u8) -> Parsed<()> {
        match opcode {
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_mark()?),
            b'q' => {
                let [index] = self.array()?;
                self.remember(index.into())?;
            }
            b'r' => {
                let index = u32::from_le_bytes(self.array()?);
                self.remember(index)?;
            }
            0x94 => self.remember(self.memo.len() as u32)?,
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.set_items(&items)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(&[item])?;
            }
            b'e' => {
                let items = self.pop_mark()?;
                self.extend(&items)?;
            }
            b'b' => self.build()?,
            _ => {
                return Err(Malformed::new(format!(
                    "instruction 0x{opcode:02x} is not one that tensors need: refused"
                )));
            }
        }
        Ok(())
    }

    fn protocol(&mut self) -> Parsed<Option<Value<'a>>> {
        match self.array()? {
            [2..=5] => Ok(None),
            [other] => Err(Malformed::new(format!("pickle protocol {other}; 2 to 5 are read"))),
        }
    }

    /// Attributes set on an object. Those of an `OrderedDict` (`_metadata`: versions of layers) are no weights.
    fn build(&mut self) -> Parsed<()> {
        let _attributes = self.pop()?;
        match self.top()? {
            Value::Dict(_) => Ok(()),
            other => Err(Malformed::new(format!("it sets attributes of {other:?}: refused"))),
        }
    }

    fn set_items(&mut self, items: &[Value<'a>]) -> Parsed<()> {
        let Value::Dict(dict) = self.top()? else {
            return Err(Malformed::new("items for something that is no dictionary"));
        };
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(Malformed::new("a key without a value"));
        }
        self.arena.dicts[dict].extend(pairs.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    fn extend(&mut self, items: &[Value<'a>]) -> Parsed<()> {
        let Value::Sequence(list) = self.top()? else {
            return Err(Malformed::new("items for something that is no list"));
        };
        self.arena.sequences[list].extend_from_slice(items);
        Ok(())
    }

    fn remember(&mut self, index: u32) -> Parsed<()> {
        let value = self.top()?;
        self.memo.insert(index, value);
        Ok(())
    }

    fn recall(&mut self, index: u32) -> Parsed<Value<'a>> {
        let value = self.memo.get(&index).copied();
        value.ok_or_else(|| Malformed::new(format!("memo {index} was never set")))
    }

    /// Values below an open MARK are out of reach, as in CPython.
    fn reachable(&self) -> Parsed<()> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() > floor { Ok(()) } else { Err(Malformed::new("the stack is empty")) }
    }

    fn top(&self) -> Parsed<Value<'a>> {
        self.reachable()?;
        self.stack.last().copied().ok_or_else(|| Malformed::new("the stack is empty"))
    }

    fn pop(&mut self) -> Parsed<Value<'a>> {
        self.reachable()?;
        self.stack.pop().ok_or_else(|| Malformed::new("the stack is empty"))
    }

    fn pop_mark(&mut self) -> Parsed<Vec<Value<'a>>> {
        let mark = self.marks.pop().ok_or_else(|| Malformed::new("no mark on the stack"))?;
        Ok(self.stack.split_off(mark))
    }

    fn take(&mut self, length: usize) -> Parsed<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(taken) = rest.get(..length) else {
            return Err(Malformed::new(format!("the file ends: {length} bytes wanted, {} left", rest.len())));
        };
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let taken = self.take(N)?.first_chunk::<N>().copied();
        taken.ok_or_else(|| Malformed::new("the file ends"))
    }

    fn text(&mut self, length: usize) -> Parsed<Value<'a>> {
        let text = std::str::from_utf8(self.take(length)?);
        text.map(Value::Text).map_err(|_| Malformed::new("text that is not UTF-8"))
    }

    fn text_of_length_4(&mut self) -> Parsed<Value<'a>> {
        let length = u32::from_le_bytes(self.array()?);
        self.text(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Text up to the end of a line, which is read too.
    fn line(&mut self) -> Parsed<&'a str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(end) = rest.iter().position(|&b| b == b'\n') else {
            return Err(Malformed::new("the file ends inside a name"));
        };
        let line =
            std::str::from_utf8(self.take(end)?).map_err(|_| Malformed::new("a name that is not UTF-8"));
        self.at += 1;
        line
    }

    /// A little-endian two's complement integer.
    fn long(&mut self, length: usize) -> Parsed<i128> {
        let bytes = self.take(length)?;
        if length > size_of::<i128>() {
            return Err(Malformed::new(format!("an integer of {length} bytes")));
        }
        let sign = if bytes.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
        let mut wide = [sign; size_of::<i128>()];
        wide[..length].copy_from_slice(bytes);
        Ok(i128::from_le_bytes(wide))
    }
}
