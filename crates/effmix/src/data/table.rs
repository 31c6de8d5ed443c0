//! Tables of features in files, memory-mapped, so that a set may be larger than memory.

use std::fs::File;
use std::path::Path;

use image_folder::Skipped;
use memmap2::Mmap;

use crate::files::shape_of_npy;
use crate::{Error, Result};

/// One network's features of a set, `[N, V, F]`.
pub(crate) struct Table {
    map: Mmap,
    /// Where the values start in the file.
    start: usize,
    /// N, V and F.
    pub(crate) rows: usize,
    pub(crate) views: usize,
    pub(crate) length: usize,
    /// The row of each sample, where it isn't the one with its number.
    pub(crate) order: Option<Vec<usize>>,
}

impl Table {
    /// A table of features in a NumPy file, memory-mapped.
    ///
    /// # Errors
    /// A file that can't be read, or holds no matrix of little-endian f32 in C order.
    pub(crate) fn of_npy(file: &Path) -> Result<Self> {
        let opened = File::open(file).map_err(Error::io("can't read", file))?;
        // SAFETY: the file is only read; a user who truncates it while the program runs gets what a truncated swap file gives.
        let map = unsafe { Mmap::map(&opened) }.map_err(Error::io("can't read", file))?;
        let no_table = || {
            let problem =
                "not a NumPy file of a matrix of f32: numpy.save(F, features.astype('<f4')) writes one"
                    .to_owned();
            Error::Format { path: file.to_owned(), problem }
        };
        let (shape, start) = shape_of_npy(&map).ok_or_else(no_table)?;
        let &[rows, length] = &shape[..] else { return Err(no_table()) };
        if length == 0 || rows == 0 {
            return Err(Error::Format { path: file.to_owned(), problem: "holds no features".to_owned() });
        }
        let needed = rows.checked_mul(length).and_then(|count| count.checked_mul(4));
        if needed.and_then(|bytes| bytes.checked_add(start)) != Some(map.len()) {
            let problem =
                format!("is {} bytes long, which are not {rows} rows of {length} numbers", map.len());
            return Err(Error::Format { path: file.to_owned(), problem });
        }
        Ok(Self { map, start, rows, views: 1, length, order: None })
    }

    /// A cached file, unless it is missing or not whole: then it is made anew.
    pub(crate) fn open(file: &Path, samples: usize) -> Option<(Self, Vec<Skipped>)> {
        let opened = File::open(file).ok()?;
        // SAFETY: the file is replaced by renaming alone, never written in place, by this program; a user who
        // truncates a file in the cache of a program that runs gets what a truncated swap file gives.
        let map = unsafe { Mmap::map(&opened) }.ok()?;
        let (header, metadata) = safetensors::SafeTensors::read_metadata(&map).ok()?;
        let info = metadata.info("features")?;
        let &[n, views, length] = info.shape.as_slice() else { return None };
        let skipped = metadata.metadata().as_ref()?.get("skipped")?;
        let skipped: Vec<(String, String)> = serde_json::from_str(skipped).ok()?;
        let skipped: Vec<Skipped> =
            skipped.into_iter().map(|(path, reason)| Skipped { path, reason }).collect();
        // The length of the header stands before it in eight bytes.
        let start = 8 + header + info.data_offsets.0;
        if info.dtype != safetensors::Dtype::F32 || n + skipped.len() != samples || !start.is_multiple_of(4) {
            return None;
        }
        Some((Self { map, start, rows: n, views, length, order: None }, skipped))
    }

    /// The bytes of a sample's view.
    ///
    /// # Panics
    /// For a sample or a view that is not there.
    pub(crate) fn bytes(&self, sample: usize, view: usize) -> &[u8] {
        let row = self.order.as_ref().map_or(sample, |order| order[sample]);
        assert!(row < self.rows && view < self.views, "view {view} of row {row}");
        let bytes = 4 * self.length;
        &self.map[self.start + (row * self.views + view) * bytes..][..bytes]
    }

    /// The feature of a sample's view.
    pub(crate) fn row(&self, sample: usize, view: usize) -> impl Iterator<Item = f32> {
        self.bytes(sample, view).chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }
}
