//! What can go wrong with a whole set. What goes wrong with one image is a [`Skipped`](crate::Skipped).

use std::io;
use std::path::{Path, PathBuf};

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a set could not be opened or a batch not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder of images is not there.
    #[error("{}: no such folder; give the folder that holds one folder of images a class", .path.display())]
    Missing {
        /// The folder that was asked for.
        path: PathBuf,
    },
    /// A file stands where a folder of images should.
    #[error("{}: this is a file; give the folder that holds one folder of images a class", .path.display())]
    NotAFolder {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// No image with a label is there to train on.
    #[error(
        "{}: no image to train on; images are expected as CLASS/NAME.jpg (or png, webp, bmp, gif) below it, \
         or anywhere below it with a labels CSV ({found})", .path.display()
    )]
    NoImages {
        /// The folder that was searched.
        path: PathBuf,
        /// What was there instead, in words.
        found: String,
    },
    /// Every image has the same class.
    #[error("{}: all images are of one class, {class:?}; a classifier needs two or more{hint}", .path.display())]
    OneClass {
        /// The folder that was searched.
        path: PathBuf,
        /// The class.
        class: String,
        /// What may be meant instead, or nothing.
        hint: String,
    },
    /// The labels file has no such column.
    #[error(
        "{}: there is no column {column:?}; the columns are {columns}; name the one that is meant",
        .file.display()
    )]
    NoColumn {
        /// The labels file.
        file: PathBuf,
        /// The column that was asked for.
        column: String,
        /// The columns that are there, quoted.
        columns: String,
    },
    /// A line of the labels file can't be used.
    #[error("{}, line {line}: {problem}", .file.display())]
    LabelsLine {
        /// The labels file.
        file: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// No row of the labels file names an image of the set.
    #[error(
        "{}: no row names an image of {}; paths are relative to that folder: the first row says {row:?}, an \
         image there is {image:?}", .file.display(), .data.display()
    )]
    NoRowMatches {
        /// The labels file.
        file: PathBuf,
        /// The folder of images.
        data: PathBuf,
        /// The path in the first row.
        row: String,
        /// The path of an image that is there.
        image: String,
    },
    /// The part of the images to test on is no fraction.
    #[error("a test fraction of {0} can't be; give one from 0 (no test images) to below 1")]
    TestFraction(f64),
    /// The settings of the views contradict themselves.
    #[error("the image transform can't be: {0}")]
    Transform(String),
    /// Bytes that are no image.
    #[error("not a readable image: {0}")]
    Decode(String),
    /// A file that can't be read as an image.
    #[error("{path}: {reason}")]
    Image {
        /// The path of the file.
        path: String,
        /// Why it can't be read.
        reason: String,
    },
    /// A sample was asked for that the set does not have.
    #[error("there is no sample {index}: the set has {len}")]
    NoSample {
        /// The index that was asked for.
        index: usize,
        /// How many samples there are.
        len: usize,
    },
    /// The decoded set does not fit into memory.
    #[error(
        "{images} decoded images need {bytes} bytes of memory, which are not to be had; cache them on disk"
    )]
    Memory {
        /// How many images.
        images: usize,
        /// How many bytes they need.
        bytes: usize,
    },
    /// The operating system refused a file operation.
    #[error("{}: {doing}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The stop flag was raised.
    #[error("stopped before all images were read")]
    Stopped,
    /// The thread that prepares batches panicked, which is a bug.
    #[error("preparing a batch failed: {0}")]
    Panicked(String),
}

impl Error {
    pub(crate) fn io(path: &Path, doing: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), doing, source }
    }
}
