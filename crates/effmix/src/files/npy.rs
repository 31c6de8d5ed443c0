//! NumPy's files, format 1.0: tables of f32.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use super::atomic::AtomicFile;
use crate::{Error, Result};

/// A table of f32 in the making, as NumPy's format 1.0 in C order.
#[derive(Debug)]
pub struct NpyFile {
    file: AtomicFile,
    missing: usize,
}

impl NpyFile {
    /// Begins a table of this shape.
    ///
    /// # Errors
    /// The disk's.
    pub fn create(path: &Path, shape: &[usize]) -> Result<Self> {
        let failed = || Error::io("can't write", path);
        let head = npy_head("<f4", NpyOrder::C, shape).map_err(failed())?;
        let mut file = AtomicFile::create(path)?;
        file.write_all(&head).map_err(failed())?;
        Ok(Self { file, missing: shape.iter().product() })
    }

    /// Adds the next values.
    ///
    /// # Errors
    /// The disk's.
    pub fn add(&mut self, values: &[f32]) -> Result<()> {
        self.missing = self.missing.wrapping_sub(values.len());
        let file = &mut self.file;
        let added = values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()));
        added.map_err(Error::io("can't write", &self.file.path()))
    }

    /// To the disk, then under its name.
    ///
    /// # Errors
    /// The disk's; or the number of added values is not that of the shape.
    pub fn commit(self) -> Result<()> {
        if self.missing != 0 {
            let wrong = io::Error::other("other values than the shape says were added");
            return Err(Error::io("can't write", &self.file.path())(wrong));
        }
        self.file.commit()
    }
}

/// Which values of a table stand beside each other: of a row, or of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NpyOrder {
    C,
    Fortran,
}

/// What stands before the values in NumPy's format 1.0
/// (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>): magic, version, length of the header, which is
/// padded so that the values start at a multiple of 64. `kind` is NumPy's name of the values' type.
pub(crate) fn npy_head(kind: &str, order: NpyOrder, shape: &[usize]) -> io::Result<Vec<u8>> {
    let dims = match shape {
        // Python writes a tuple of one with a comma.
        [n] => format!("{n},"),
        _ => shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
    };
    let fortran = if order == NpyOrder::Fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': ({dims}), }}");
    let padding = (64 - (10 + header.len() + 1) % 64) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(|_| io::Error::other("the shape's text is too long"))?;
    Ok([&b"\x93NUMPY\x01\x00"[..], &length.to_le_bytes(), header.as_bytes()].concat())
}

/// Writes a table of f32 as NumPy's format 1.0, C order.
///
/// # Errors
/// The disk's; or the number of values is not that of the shape.
pub fn write_npy(path: &Path, values: &[f32], shape: &[usize]) -> Result<()> {
    let mut file = NpyFile::create(path, shape)?;
    file.add(values)?;
    file.commit()
}

/// Reads what [`write_npy`] writes: a matrix of f32.
///
/// # Errors
/// Names the file if it holds something else.
pub fn read_npy(path: &Path) -> Result<(Vec<f32>, Vec<usize>)> {
    let bytes = fs::read(path).map_err(Error::io("can't read", path))?;
    parse_npy(&bytes).ok_or_else(|| Error::Format {
        path: path.to_owned(),
        problem: "not a NumPy file (format 1.0) of little-endian f32 in C order".to_owned(),
    })
}

/// The header of a file of NumPy's format 1.0, and the bytes of its values; `None` where it is no such file.
pub(crate) fn split_npy(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00")?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (header, values) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    Some((std::str::from_utf8(header).ok()?, values))
}

/// The shape of a table of little-endian f32 in C order, and where its values begin; `None` where these bytes are no such file.
pub(crate) fn shape_of_npy(bytes: &[u8]) -> Option<(Vec<usize>, usize)> {
    let (header, values) = split_npy(bytes)?;
    Some((shape_of(header)?, bytes.len() - values.len()))
}

/// Whether a file begins as [`NpyFile`] begins a matrix of `columns` columns. NumPy begins a matrix of f32 alike: who wrote it can't be
/// known.
pub fn is_table_of(path: &Path, columns: usize) -> bool {
    let mut start = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut start));
    let is_table = |header: &str| {
        let shape = shape_of(header)?;
        Some(matches!(shape[..], [_, found] if found == columns))
    };
    read.is_ok() && split_npy(&start).and_then(|(header, _)| is_table(header)).unwrap_or(false)
}

/// Bytes at the start of a file that hold the whole header of a matrix.
const HEAD: u64 = 512;

/// The shape of a table of little-endian f32 in C order, by its header; `None` for other values.
fn shape_of(header: &str) -> Option<Vec<usize>> {
    if !header.contains("'<f4'") || !header.contains("'fortran_order': False") {
        return None;
    }
    let dims = header.split_once('(')?.1.split_once(')')?.0;
    dims.split(',').map(str::trim).filter(|dim| !dim.is_empty()).map(|dim| dim.parse().ok()).collect()
}

fn parse_npy(bytes: &[u8]) -> Option<(Vec<f32>, Vec<usize>)> {
    let (header, values) = split_npy(bytes)?;
    let shape = shape_of(header)?;
    let count = shape.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim))?;
    if count.checked_mul(4)? != values.len() {
        return None;
    }
    let values = values.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Some((values, shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_comes_back_from_npy_and_starts_at_a_multiple_of_64() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        write_npy(&path, &[1.0, -2.5, f32::MIN_POSITIVE, 4.0, 5.0, 6.0], &[2, 3]).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!((bytes.len() - 24) % 64, 0);
        assert!(bytes.starts_with(
            b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
        ));
        assert_eq!(read_npy(&path).unwrap(), (vec![1.0, -2.5, f32::MIN_POSITIVE, 4.0, 5.0, 6.0], vec![2, 3]));
    }

    #[test]
    fn a_vector_has_pythons_comma_in_its_shape() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.npy");
        write_npy(&path, &[1.0, 2.0], &[2]).unwrap();
        assert!(String::from_utf8_lossy(&fs::read(&path).unwrap()).contains("'shape': (2,), }"));
        assert_eq!(read_npy(&path).unwrap().1, vec![2]);
    }

    #[test]
    fn a_single_value_has_an_empty_shape() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.npy");
        write_npy(&path, &[1.5], &[]).unwrap();
        assert!(String::from_utf8_lossy(&fs::read(&path).unwrap()).contains("'shape': (), }"));
        assert_eq!(read_npy(&path).unwrap(), (vec![1.5], vec![]));
    }

    #[test]
    fn a_table_is_known_by_its_columns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        write_npy(&path, &[0.0; 6], &[2, 3]).unwrap();
        assert!(is_table_of(&path, 3));
        assert!(!is_table_of(&path, 2));
        write_npy(&path, &[0.0; 3], &[3]).unwrap();
        assert!(!is_table_of(&path, 3));
        assert!(!is_table_of(&folder.path().join("missing.npy"), 3));
    }

    #[test]
    fn a_table_may_be_added_to_and_must_be_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        let mut file = NpyFile::create(&path, &[2, 2]).unwrap();
        file.add(&[1.0, 2.0, 3.0]).unwrap();
        file.add(&[4.0]).unwrap();
        assert!(!path.exists(), "nothing is there before it is whole");
        file.commit().unwrap();
        assert_eq!(read_npy(&path).unwrap(), (vec![1.0, 2.0, 3.0, 4.0], vec![2, 2]));
        for count in [1, 5] {
            let other = folder.path().join("other.npy");
            assert!(write_npy(&other, &vec![0.0; count], &[2, 2]).is_err());
            assert!(!other.exists());
        }
    }

    #[test]
    fn truncated_and_foreign_npy_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        write_npy(&path, &[1.0, 2.0], &[1, 2]).unwrap();
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            assert!(parse_npy(&whole[..length]).is_none(), "{length} bytes of {} were read", whole.len());
        }
        assert!(parse_npy(b"path,label\n").is_none());
    }
}
