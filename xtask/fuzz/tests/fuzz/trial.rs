//! A reader tried on a file, and the file shown if that goes wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};

use effmix_fuzz::Reader;

use crate::memory::most_bytes;

/// Bytes that a reader may take beside those for the file: buffers, and what it compares with.
const FIXED: usize = 2 << 20;

/// Bytes that a reader may take for each of the file's. A pickle's instruction is one byte, and may make a list: an empty vector,
/// its place on the stack, and that in the memo, each while a table grows to twice its size.
const FOR_EACH: usize = 512;

/// So much of a file is shown.
const SHOWN: usize = 4000;

/// Whether the reader takes the file, which must be so without a panic and without much memory.
pub(crate) fn takes(reader: &Reader, file: &[u8]) -> bool {
    let (taken, bytes) = most_bytes(|| catch_unwind(AssertUnwindSafe(|| (reader.check)(file))));
    let shown = || {
        let more = if file.len() > SHOWN { format!("... of {} bytes", file.len()) } else { String::new() };
        format!("b\"{}\"{more}", file[..file.len().min(SHOWN)].escape_ascii())
    };
    let Ok(taken) = taken else { panic!("{} panicked at {}", reader.name, shown()) };
    assert!(
        bytes <= FIXED + FOR_EACH * file.len(),
        "{}: {bytes} bytes of memory for {}",
        reader.name,
        shown()
    );
    taken
}
