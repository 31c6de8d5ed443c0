//! What a set is made of.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use image::RgbImage;

use crate::decode::{Limits, try_load};

/// Where the pixels of a sample are.
#[derive(Clone, Debug, PartialEq)]
pub enum Pixels {
    /// In an image file.
    File(PathBuf),
    /// In memory, for sets that are made rather than read.
    Memory(Arc<RgbImage>),
}

/// One image with its label.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The path relative to the folder of the set, with `/` between its parts: the key by which the sample
    /// is known everywhere.
    pub path: String,
    /// Where its pixels are.
    pub source: Pixels,
    /// The given label, which may be wrong: an index into [`ImageFolder::classes`].
    pub label: usize,
    /// The true label where it is known. It is for measuring, never for training.
    pub truth: Option<usize>,
}

impl Sample {
    /// Its pixels.
    ///
    /// # Errors
    /// In words, why they can't be read.
    pub fn image(&self) -> Result<Cow<'_, RgbImage>, String> {
        match &self.source {
            Pixels::File(path) => try_load(path, &Limits::default()).map(Cow::Owned),
            Pixels::Memory(image) if image.as_raw().is_empty() => Err("it has no pixels".to_owned()),
            Pixels::Memory(image) => Ok(Cow::Borrowed(image)),
        }
    }
}

/// A file or a row of the labels that takes no part, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The path relative to the folder of the set.
    pub path: String,
    /// Why it takes no part.
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
    /// Whether the images to test on were split off by chance ([`TestSplit::Fraction`](crate::TestSplit::Fraction)), so that their
    /// labels are wrong as often as the others.
    pub test_is_split_off: bool,
    /// What takes no part, sorted by path. Images that can't be decoded are found later, by
    /// [`Views::build`](crate::Views::build).
    pub skipped: Vec<Skipped>,
    /// How many hidden files and folders (their names begin with a dot) were left.
    pub hidden: usize,
    /// How many files with another ending than an image's were left.
    pub other_files: usize,
    /// What the owner of the set should know, a sentence each.
    pub warnings: Vec<String>,
}
