//! `losses.npy`: the losses of the last division, counted into a histogram while they are read.
//!
//! The format is NumPy's, versions 1 to 3 (numpy.lib.format): a magic word, a version, the length of a header, the header as a Python
//! literal, the values.

use super::open;
use crate::{Error, Result};
use std::io::{self, Read};
use std::path::Path;

/// Bins over 0..1.
const BINS: usize = 50;

/// A header of one dimension has some 120 bytes; more than this is no such file.
const LONGEST_HEADER: usize = 64 * 1024;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Losses in 0..1 by bin.
#[derive(Debug, PartialEq)]
pub(crate) struct LossHistogram {
    pub(crate) counts: Vec<u64>,
    /// Values that belong to no bin.
    pub(crate) not_finite: u64,
}

impl LossHistogram {
    /// Bin `i` holds the losses from `i` to `i + 1` times this.
    pub(crate) fn bin_width(&self) -> f64 {
        1.0 / self.counts.len() as f64
    }

    fn add(&mut self, loss: f32) {
        if loss.is_finite() {
            let bin = (f64::from(loss.clamp(0.0, 1.0)) / self.bin_width()) as usize;
            self.counts[bin.min(BINS - 1)] += 1;
        } else {
            self.not_finite += 1;
        }
    }
}

/// `None` where there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<LossHistogram>> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    let header = read_header(&mut file).map_err(|error| cut_short(path, error))?;
    let count = header.as_deref().and_then(number_of_values).ok_or_else(|| {
        Error::content(path, None, "not an array of one dimension of little-endian f32, as NumPy writes it")
    })?;
    let mut histogram = LossHistogram { counts: vec![0; BINS], not_finite: 0 };
    let mut value = [0; 4];
    for _ in 0..count {
        file.read_exact(&mut value).map_err(|error| cut_short(path, error))?;
        histogram.add(f32::from_le_bytes(value));
    }
    Ok(Some(histogram))
}

fn cut_short(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::content(path, None, "ends before its last value"),
        _ => Error::read(path)(error),
    }
}

/// The header's text; `None` where this is no NPY file.
fn read_header(file: &mut impl Read) -> io::Result<Option<String>> {
    let mut start = [0; 8];
    file.read_exact(&mut start)?;
    let length = match (start.strip_prefix(MAGIC), start[6]) {
        (Some(_), 1) => {
            let mut bytes = [0; 2];
            file.read_exact(&mut bytes)?;
            usize::from(u16::from_le_bytes(bytes))
        }
        (Some(_), 2 | 3) => {
            let mut bytes = [0; 4];
            file.read_exact(&mut bytes)?;
            u32::from_le_bytes(bytes) as usize
        }
        _ => return Ok(None),
    };
    if length > LONGEST_HEADER {
        return Ok(None);
    }
    let mut header = vec![0; length];
    file.read_exact(&mut header)?;
    Ok(String::from_utf8(header).ok())
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (N,), }`.
fn number_of_values(header: &str) -> Option<u64> {
    let compact: String = header.chars().filter(|c| !c.is_whitespace()).collect();
    let shape = compact.split("'shape':(").nth(1)?.split(')').next()?;
    let length = shape.strip_suffix(',')?.parse().ok()?;
    compact.contains("'descr':'<f4'").then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of `numpy.save(f, numpy.array(values, dtype="<f4"))`, NumPy 2.4.
    fn npy(descr: &str, shape: &str, values: &[f32]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
        values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        bytes
    }

    fn read_bytes(bytes: &[u8]) -> Result<Option<LossHistogram>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("losses.npy");
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    #[test]
    fn each_loss_counts_in_its_bin_and_both_ends_count() {
        let values = [0.0, 0.019, 0.021, 0.5, 0.999, 1.0, f32::NAN];
        let histogram = read_bytes(&npy("<f4", "(7,)", &values)).unwrap().unwrap();
        assert_eq!(
            (histogram.counts[0], histogram.counts[1], histogram.counts[25], histogram.counts[49]),
            (2, 1, 1, 2)
        );
        assert_eq!((histogram.counts.iter().sum::<u64>(), histogram.not_finite), (6, 1));
    }

    #[test]
    fn an_array_of_another_type_or_shape_is_refused() {
        for bytes in
            [npy("<f8", "(1,)", &[0.0, 0.0]), npy("<f4", "(1, 1)", &[0.0]), b"no NPY file at all".to_vec()]
        {
            let message = read_bytes(&bytes).unwrap_err().to_string();
            assert!(message.contains("losses.npy") && message.contains("one dimension"), "{message}");
        }
    }

    #[test]
    fn a_file_that_ends_too_early_is_refused() {
        let whole = npy("<f4", "(3,)", &[0.1, 0.2, 0.3]);
        for length in [4, 9, 60, whole.len() - 1] {
            let message = read_bytes(&whole[..length]).unwrap_err().to_string();
            assert!(message.contains("ends before its last value"), "{length}: {message}");
        }
    }
}
