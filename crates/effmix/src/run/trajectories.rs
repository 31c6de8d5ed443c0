//! The loss and the predicted class of each training image after each epoch (`--trajectories`).
//!
//! The decision: tables [images, epochs] in NumPy's format, in Fortran's order. So an epoch is one stretch of the file, written as it
//! comes, and a reader of single images maps the file and reads a row.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use half::f16;

use super::folder::RunFolder;
use crate::files::{NpyOrder, npy_head, split_npy, write_atomic};
use crate::{Error, Result};

/// Both tables of a run.
pub(super) struct Trajectories {
    /// f16: cross entropy of the given label, the mean over networks; NaN where an epoch is not over yet.
    losses: Columns,
    /// u16: place of the class with the largest mean logit; 65535 where an epoch is not over yet.
    predicted: Columns,
}

impl Trajectories {
    /// The tables of a run of `images` and `epochs`; of an earlier try `done` epochs are kept.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn open(folder: &RunFolder, images: usize, epochs: usize, done: usize) -> Result<Self> {
        let table = |name: &str, kind, none: [u8; 2]| {
            Columns::open(&folder.file(name), kind, [images, epochs], done, none)
        };
        Ok(Self {
            losses: table("loss_trajectories.npy", "<f2", f16::NAN.to_le_bytes())?,
            predicted: table("predicted_trajectories.npy", "<u2", [u8::MAX; 2])?,
        })
    }

    /// Writes an epoch, counted from 1.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn add(&mut self, epoch: usize, losses: &[f32], predicted: &[usize]) -> Result<()> {
        self.losses.write(epoch - 1, losses.iter().map(|loss| f16::from_f32(*loss).to_le_bytes()))?;
        let place = |class: &usize| u16::try_from(*class).unwrap_or(u16::MAX).to_le_bytes();
        self.predicted.write(epoch - 1, predicted.iter().map(place))
    }
}

/// A table of values of two bytes, a column after the other.
struct Columns {
    path: PathBuf,
    file: File,
    /// Bytes before the first value, and of a column.
    head: usize,
    column: usize,
}

impl Columns {
    fn open(path: &Path, kind: &str, shape: [usize; 2], done: usize, none: [u8; 2]) -> Result<Self> {
        let column = 2 * shape[0];
        let head = npy_head(kind, NpyOrder::Fortran, &shape).map_err(Error::io("can't write", path))?;
        // The header of a run that is made longer is another one.
        let old = if done > 0 && path.is_file() {
            fs::read(path).map_err(Error::io("can't read", path))?
        } else {
            Vec::new()
        };
        let kept = split_npy(&old).and_then(|(_, values)| values.get(..done * column)).unwrap_or_default();
        write_atomic(path, |out| {
            out.write_all(&head)?;
            out.write_all(kept)?;
            let missing = (shape[1] * column).saturating_sub(kept.len()) / 2;
            out.write_all(&none.repeat(missing))
        })?;
        let file = OpenOptions::new().write(true).open(path).map_err(Error::io("can't write", path))?;
        Ok(Self { path: path.to_owned(), file, head: head.len(), column })
    }

    fn write(&mut self, place: usize, values: impl Iterator<Item = [u8; 2]>) -> Result<()> {
        let bytes: Vec<u8> = values.flatten().collect();
        let at = (self.head + place * self.column) as u64;
        let written = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(&bytes));
        written.map_err(Error::io("can't write", &self.path))
    }
}
