//! The parts of a set.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;

use crate::channels::{Channels, with_opacity};
use crate::decode::{Limits, to_rgb, try_decode, try_load, try_load_with_opacity};
use crate::{Left, ParquetImages};

/// The place of a sample's pixels.
#[derive(Clone, Debug, PartialEq)]
pub enum Pixels {
    /// In an image file.
    File {
        /// The path of the file.
        path: PathBuf,
        /// The largest image that it may hold.
        limits: Limits,
    },
    /// In a row of a Parquet file.
    Row {
        /// The file.
        table: Arc<ParquetImages>,
        /// The row, from 0.
        row: usize,
        /// The largest image that it may hold.
        limits: Limits,
    },
    /// In memory, for sets that are drawn rather than read.
    Memory(Arc<RgbImage>),
}

/// One image with its label.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The path relative to the folder of the set, with `/` between its parts. It is the sample's key
    /// everywhere.
    pub path: String,
    /// The place of its pixels.
    pub source: Pixels,
    /// The given label, which may be wrong: an index into [`ImageFolder::classes`].
    pub label: usize,
    /// The true label where it is known. It serves to measure, never to train.
    pub truth: Option<usize>,
}

impl Pixels {
    /// In an image file, within the default limits.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File { path: path.into(), limits: Limits::default() }
    }

    /// The file that holds them, with those of other images perhaps; nothing where they are in memory.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            Self::Row { table, .. } => Some(table.path()),
            Self::Memory(_) => None,
        }
    }

    /// The largest image that may be read; nothing where none is read.
    pub fn limits(&self) -> Option<&Limits> {
        match self {
            Self::File { limits, .. } | Self::Row { limits, .. } => Some(limits),
            Self::Memory(_) => None,
        }
    }
}

impl Sample {
    /// The sample's pixels with their opacity, as [`Channels::Rgba`] keeps them.
    pub(crate) fn image_with_opacity(&self, channels: Channels) -> Result<Cow<'_, RgbImage>, String> {
        match &self.source {
            Pixels::File { path, limits } => {
                try_load_with_opacity(path, limits).map(|image| Cow::Owned(with_opacity(&image)))
            }
            Pixels::Row { table, row, limits } => try_decode(&table.bytes(*row)?, limits)
                .map(|image| Cow::Owned(with_opacity(&image.into_rgba8()))),
            Pixels::Memory(_) => self.image().map(|image| channels.of_opaque(image)),
        }
    }

    /// The sample's pixels, read and decoded where they are in a file.
    ///
    /// # Errors
    /// The reason, in words, why they can't be read.
    pub fn image(&self) -> Result<Cow<'_, RgbImage>, String> {
        match &self.source {
            Pixels::File { path, limits } => try_load(path, limits).map(Cow::Owned),
            Pixels::Row { table, row, limits } => {
                try_decode(&table.bytes(*row)?, limits).map(|image| Cow::Owned(to_rgb(image)))
            }
            Pixels::Memory(image) if image.as_raw().is_empty() => Err("it has no pixels".to_owned()),
            Pixels::Memory(image) => Ok(Cow::Borrowed(image)),
        }
    }
}

/// A file, or a row of the labels, that is left out, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The path relative to the folder of the set.
    pub path: String,
    /// The reason why it is left out.
    pub reason: String,
}

/// A labelled set of images.
#[derive(Clone, Debug, Default)]
pub struct ImageFolder {
    /// The names of the classes, sorted.
    pub classes: Vec<String>,
    /// The images to train on, sorted by path.
    pub train: Vec<Sample>,
    /// The images to test on, sorted by path.
    pub test: Vec<Sample>,
    /// Whether the images to test on were split off at random ([`TestSplit::Fraction`](crate::TestSplit::Fraction)), so that their
    /// labels are wrong as often as those of the other images.
    pub test_is_split_off: bool,
    /// The paths of the images whose label a person has verified ([`OpenOptions::reviewed`](crate::OpenOptions::reviewed)).
    pub verified: HashSet<String>,
    /// The files and rows that are left out, sorted by path. Images that can't be decoded are found later, by
    /// [`Views::build`](crate::Views::build).
    pub skipped: Vec<Skipped>,
    /// The files and folders that are left without a look at their content, sorted by path: their endings are no image's, they are hidden,
    /// or no files at all.
    pub left: Vec<Left>,
    /// Messages for the owner of the set, a sentence each.
    pub warnings: Vec<String>,
}
