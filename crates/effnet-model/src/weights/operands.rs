//! The operands of a pickle's instructions: numbers, and text of a length that stands before it or up to the end of a line.

use super::parsed::{Malformed, Parsed};

/// The bytes of a pickle, and how far they were read.
pub(super) struct Operands<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Operands<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Number of bytes that were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, length: usize) -> Parsed<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(taken) = rest.get(..length) else {
            return Err(Malformed::new(format!(
                "the file ends: {length} bytes wanted, {} left; if it was downloaded, fetch it again",
                rest.len()
            )));
        };
        self.at += length;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let taken = self.take(N)?.first_chunk::<N>().copied();
        taken.ok_or_else(|| Malformed::new("the file ends"))
    }

    /// A number of one byte.
    pub(super) fn short(&mut self) -> Parsed<usize> {
        let [length] = self.array()?;
        Ok(length.into())
    }

    /// A number of four bytes.
    pub(super) fn word(&mut self) -> Parsed<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Bytes whose number stands before them in four bytes.
    pub(super) fn long_bytes(&mut self) -> Parsed<&'a [u8]> {
        let length = self.word()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Bytes whose number stands before them in eight bytes.
    pub(super) fn longest_bytes(&mut self) -> Parsed<&'a [u8]> {
        let length = u64::from_le_bytes(self.array()?);
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// The bytes up to the end of a line, which is read too.
    pub(super) fn line(&mut self) -> Parsed<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(end) = rest.iter().position(|&b| b == b'\n') else {
            return Err(Malformed::new("the file ends inside a line"));
        };
        let line = self.take(end)?;
        self.at += 1;
        Ok(line)
    }

    /// A line of a name.
    pub(super) fn name(&mut self) -> Parsed<&'a str> {
        let line = self.line()?;
        std::str::from_utf8(line).map_err(|_| Malformed::new("a name that is not UTF-8"))
    }
}

/// The integer of a little-endian two's complement, if it has up to 16 bytes.
pub(super) fn integer(bytes: &[u8]) -> Option<i128> {
    let sign = if bytes.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
    let mut wide = [sign; size_of::<i128>()];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i128::from_le_bytes(wide))
}

/// The text between the quotes of a line of protocol 0, if nothing in it is escaped.
pub(super) fn quoted(line: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(line).ok()?.trim_end_matches('\r');
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains('\\')).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_twos_complement_of_any_length() {
        assert_eq!(integer(&[]), Some(0));
        assert_eq!(integer(&[0xff]), Some(-1));
        assert_eq!(integer(&[0xff, 0]), Some(255));
        assert_eq!(integer(&[0; 16]), Some(0));
        assert_eq!(integer(&[0; 17]), None);
    }

    #[test]
    fn quotes_are_taken_off_and_escapes_are_not_read() {
        assert_eq!(quoted(b"'bias'"), Some("bias"));
        assert_eq!(quoted(b"\"it's\""), Some("it's"));
        for other in [&b"bias"[..], b"'", b"'bias\"", br"'\x41'", b"", b"'\xff'"] {
            assert_eq!(quoted(other), None, "{other:?}");
        }
    }
}
