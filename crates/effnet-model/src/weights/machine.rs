//! The unpickling machine: the instructions of every protocol, 0 to 5, by CPython's `pickletools.py`. It makes plain values and tensors;
//! what would be an object of any class stays a note of what it holds ([`super::pickle::Object`]), so that no code is run or looked up.

use std::collections::HashMap;

use super::atoms::atom;
use super::operands::Operands;
use super::parsed::{Malformed, Parsed};
use super::pickle::{Arena, Global, Value};

/// B7's weights take 40,000 instructions, and as much again for each state of an optimiser. A limit keeps what a hostile file can make
/// us hold proportionate: about a hundred bytes an instruction.
const MOST_INSTRUCTIONS: usize = 1_000_000;

/// Files have so many bytes for each instruction beyond that, at least.
const BYTES_AN_INSTRUCTION: usize = 32;

/// What one pickle was, and where it ended.
pub(super) struct Unpickled<'a> {
    pub(super) value: Value<'a>,
    pub(super) arena: Arena<'a>,
    /// Bytes read, the final STOP included.
    pub(super) length: usize,
}

/// Runs the pickle at the start of `bytes`, which is of a file of so many bytes.
pub(super) fn unpickle(bytes: &[u8], file: usize) -> Parsed<Unpickled<'_>> {
    let mut machine = Machine {
        operands: Operands::new(bytes),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        arena: Arena::default(),
    };
    let most = MOST_INSTRUCTIONS.max(file / BYTES_AN_INSTRUCTION);
    for _ in 0..most {
        let start = machine.operands.position();
        match machine.step() {
            Ok(None) => {}
            Ok(Some(value)) => {
                return Ok(Unpickled { value, arena: machine.arena, length: machine.operands.position() });
            }
            Err(Malformed(reason)) => {
                return Err(Malformed::new(format!("pickle, at byte {start}: {reason}")));
            }
        }
    }
    Err(Malformed::new(format!("pickle: more than {most} instructions")))
}

struct Machine<'a> {
    operands: Operands<'a>,
    stack: Vec<Value<'a>>,
    /// Heights of the stack at the open MARKs.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    arena: Arena<'a>,
}

impl<'a> Machine<'a> {
    /// One instruction; the final value at STOP.
    fn step(&mut self) -> Parsed<Option<Value<'a>>> {
        let [opcode] = self.operands.array()?;
        if opcode == b'.' {
            return self.pop().map(Some);
        }
        let made = match atom(opcode, &mut self.operands)? {
            Some(atom) => Some(atom),
            None => self.compound(opcode)?,
        };
        match made {
            Some(value) => self.stack.push(value),
            None => self.effect(opcode)?,
        }
        Ok(None)
    }

    /// Instructions that make a value of what is on the stack or in the memo.
    fn compound(&mut self, opcode: u8) -> Parsed<Option<Value<'a>>> {
        Ok(Some(match opcode {
            b'h' => {
                let index = self.operands.short()?;
                self.recall(index as u32)?
            }
            b'j' => {
                let index = self.operands.word()?;
                self.recall(index)?
            }
            b'g' => {
                let index = self.operands.line()?;
                self.recall(place(index)?)?
            }
            b'}' => self.arena.dict(Vec::new()),
            b']' | b')' => self.arena.sequence(Vec::new()),
            0x8f => Value::Other("a set"),
            0x91 => {
                self.pop_mark()?;
                Value::Other("a set")
            }
            b't' | b'l' => {
                let items = self.pop_mark()?;
                self.arena.sequence(items)
            }
            b'd' => {
                let items = pairs(&self.pop_mark()?)?;
                self.arena.dict(items)
            }
            0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0..opcode - 0x84 {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.arena.sequence(items)
            }
            b'2' => self.top()?,
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => Value::Global(Global::named(module, name)),
                (other, _) => {
                    return Err(Malformed::new(format!(
                        "{} where a name is needed",
                        self.arena.described(other)
                    )));
                }
            },
            b'Q' => {
                let id = self.pop()?;
                self.arena.persistent(id)?
            }
            b'R' => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.arena.reduce(function, arguments)?
            }
            0x81 => {
                let (arguments, class) = (self.pop()?, self.pop()?);
                self.arena.object(class, arguments)
            }
            0x92 => {
                let (_named, arguments, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.arena.object(class, arguments)
            }
            b'i' => {
                let class = Value::Global(Global::named(self.operands.name()?, self.operands.name()?));
                let arguments = self.pop_mark()?;
                let arguments = self.arena.sequence(arguments);
                self.arena.object(class, arguments)
            }
            b'o' => {
                let mut arguments = self.pop_mark()?;
                if arguments.is_empty() {
                    return Err(Malformed::new("an object without a class"));
                }
                let class = arguments.remove(0);
                let arguments = self.arena.sequence(arguments);
                self.arena.object(class, arguments)
            }
            _ => return Ok(None),
        }))
    }

    /// Instructions that put nothing new on the stack.
    fn effect(&mut self, opcode: u8) -> Parsed<()> {
        match opcode {
            0x80 => match self.operands.array()? {
                [0..=5] => {}
                [other] => {
                    return Err(Malformed::new(format!("pickle protocol {other}; 0 to 5 are read")));
                }
            },
            // A frame's length.
            0x95 => drop(self.operands.array::<8>()?),
            // A buffer becomes one that is only read.
            0x98 => {}
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_mark()?),
            b'q' => {
                let index = self.operands.short()?;
                self.remember(index as u32)?;
            }
            b'r' => {
                let index = self.operands.word()?;
                self.remember(index)?;
            }
            b'p' => {
                let index = place(self.operands.line()?)?;
                self.remember(index)?;
            }
            0x94 => self.remember(self.memo.len() as u32)?,
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(vec![(key, value)])?;
            }
            b'u' => {
                let items = pairs(&self.pop_mark()?)?;
                self.set_items(items)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(&[item])?;
            }
            b'e' => {
                let items = self.pop_mark()?;
                self.extend(&items)?;
            }
            // Items of a set.
            0x90 => drop(self.pop_mark()?),
            b'b' => self.build()?,
            _ => {
                return Err(Malformed::new(format!(
                    "instruction 0x{opcode:02x} is of no pickle protocol that is known"
                )));
            }
        }
        Ok(())
    }

    /// Attributes set on an object. Those of a dictionary (`_metadata`: versions of layers) and of a tensor are no weights.
    fn build(&mut self) -> Parsed<()> {
        let attributes = self.pop()?;
        if let Value::Object(at) = self.top()? {
            self.arena.objects[at].states.push(attributes);
        }
        Ok(())
    }

    fn set_items(&mut self, items: Vec<(Value<'a>, Value<'a>)>) -> Parsed<()> {
        match self.top()? {
            Value::Dict(dict) => self.arena.dicts[dict].extend(items),
            Value::Object(object) => self.arena.objects[object].items.extend(items),
            Value::Other(_) => {}
            _ => return Err(Malformed::new("items for something that is no dictionary")),
        }
        Ok(())
    }

    fn extend(&mut self, items: &[Value<'a>]) -> Parsed<()> {
        match self.top()? {
            Value::Sequence(list) => self.arena.sequences[list].extend_from_slice(items),
            // A list of a class of its own, of which nothing is read.
            Value::Object(_) | Value::Other(_) => {}
            _ => return Err(Malformed::new("items for something that is no list")),
        }
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
}

/// Keys and values that follow each other.
fn pairs<'a>(items: &[Value<'a>]) -> Parsed<Vec<(Value<'a>, Value<'a>)>> {
    let (pairs, rest) = items.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Malformed::new("a key without a value"));
    }
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}

/// A place in the memo, as protocol 0 writes it.
fn place(line: &[u8]) -> Parsed<u32> {
    let text = std::str::from_utf8(line).unwrap_or_default().trim_end_matches('\r');
    text.parse().map_err(|_| Malformed::new("a place in the memo that is no number"))
}
