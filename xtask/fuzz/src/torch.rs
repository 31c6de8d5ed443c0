//! torch's two formats around a pickle, with one storage of eight floats called `0`.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Magic number, version and system.
const HEAD: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\
    \x80\x02}(X\x10\0\0\0protocol_versionM\xe9\x03X\x0d\0\0\0little_endian\x88u.";

/// Keys of the storages.
const KEYS: &[u8] = b"\x80\x02](X\x01\0\0\x000e.";

/// Of the storage.
const ELEMENTS: usize = 8;

fn numbers() -> Vec<u8> {
    (0..ELEMENTS).flat_map(|number| (number as f32).to_le_bytes()).collect()
}

/// Before torch 1.6.
pub(crate) fn legacy(object: &[u8]) -> Vec<u8> {
    [HEAD, object, KEYS, &(ELEMENTS as u64).to_le_bytes(), &numbers()].concat()
}

/// Since then.
pub(crate) fn zipped(object: &[u8]) -> Vec<u8> {
    let files = [("a/data.pkl", object), ("a/byteorder", b"little"), ("a/data/0", &numbers())];
    archive(&files, CompressionMethod::Stored)
}

/// A zip archive of these files, names and contents.
pub(crate) fn archive(files: &[(&str, &[u8])], compression: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(compression);
    for (name, content) in files {
        zip.start_file(*name, options).expect("a name that zip can hold");
        zip.write_all(content).expect("a file in memory");
    }
    zip.finish().expect("a file in memory").into_inner()
}
