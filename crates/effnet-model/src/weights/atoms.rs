//! Instructions of a pickle that make a value of their operands alone: numbers, text, bytes and names.

use super::operands::{Operands, integer, quoted};
use super::parsed::Parsed;
use super::pickle::{Global, Value};

/// The value that an instruction makes of its operands alone; nothing for other instructions.
pub(super) fn atom<'a>(opcode: u8, operands: &mut Operands<'a>) -> Parsed<Option<Value<'a>>> {
    let bytes = |_: &[u8]| Value::Other("bytes");
    Ok(Some(match opcode {
        b'N' => Value::None,
        0x88 => Value::Bool(true),
        0x89 => Value::Bool(false),
        b'J' => Value::Int(i32::from_le_bytes(operands.array()?).into()),
        b'K' => Value::Int(u8::from_le_bytes(operands.array()?).into()),
        b'M' => Value::Int(u16::from_le_bytes(operands.array()?).into()),
        0x8a => {
            let length = operands.short()?;
            long(operands.take(length)?)
        }
        0x8b => long(operands.long_bytes()?),
        b'G' => operands.array::<8>().map(|_| Value::Other("a float"))?,
        b'F' => operands.line().map(|_| Value::Other("a float"))?,
        b'I' | b'L' => decimal(operands.line()?),
        b'X' => text(operands.long_bytes()?),
        0x8d => text(operands.longest_bytes()?),
        0x8c => {
            let length = operands.short()?;
            text(operands.take(length)?)
        }
        // Python 2's text.
        b'T' => text(operands.long_bytes()?),
        b'U' => {
            let length = operands.short()?;
            text(operands.take(length)?)
        }
        b'S' => quoted(operands.line()?).map_or(Value::Other("text"), Value::Text),
        b'V' => match std::str::from_utf8(operands.line()?) {
            Ok(text) if text.is_ascii() && !text.contains('\\') => Value::Text(text),
            _ => Value::Other("text"),
        },
        b'B' => bytes(operands.long_bytes()?),
        b'C' => {
            let length = operands.short()?;
            bytes(operands.take(length)?)
        }
        0x8e | 0x96 => bytes(operands.longest_bytes()?),
        // What is kept outside of the pickle.
        0x97 => Value::Other("a buffer"),
        0x82 => operands.array::<1>().map(|_| Value::Other("a registered class"))?,
        0x83 => operands.array::<2>().map(|_| Value::Other("a registered class"))?,
        0x84 => operands.array::<4>().map(|_| Value::Other("a registered class"))?,
        b'c' => Value::Global(Global::named(operands.name()?, operands.name()?)),
        b'P' => operands.line().map(|_| Value::Other("what a persistent id stands for"))?,
        _ => return Ok(None),
    }))
}

/// An integer of any length; what no `i128` holds says nothing about weights.
fn long(bytes: &[u8]) -> Value<'static> {
    integer(bytes).map_or(Value::Other("a long number"), Value::Int)
}

/// An integer as protocol 0 writes it: `12`, `12L`, or `00` and `01` for False and True.
fn decimal(line: &[u8]) -> Value<'static> {
    let text = std::str::from_utf8(line).unwrap_or_default().trim_end_matches(['\r', 'L']);
    match text {
        "00" => Value::Bool(false),
        "01" => Value::Bool(true),
        _ => text.parse().map_or(Value::Other("a long number"), Value::Int),
    }
}

/// Text. Python 2's may be bytes, and Python 3's may have halves of surrogate pairs, as in the name of a file that is not UTF-8.
fn text(bytes: &[u8]) -> Value<'_> {
    std::str::from_utf8(bytes).map_or(Value::Other("text that is not UTF-8"), Value::Text)
}
