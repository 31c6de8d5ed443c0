//! The errors of a whole set. An image that can't be read is no error but a [`Skipped`](crate::Skipped).

use std::io;
use std::path::{Path, PathBuf};

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a set could not be opened or a batch not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder of images does not exist.
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
    /// The folder holds no image with a label to train on.
    #[error(
        "{}: no image to train on; images are expected as CLASS/NAME.jpg (or png, webp, bmp, gif, tiff) below it, \
         or anywhere below it with a labels CSV ({found})", .path.display()
    )]
    NoImages {
        /// The folder that was searched.
        path: PathBuf,
        /// The other files that the folder holds, in words.
        found: String,
    },
    /// Every image has the same class.
    #[error("{}: all images are of one class, {class:?}; a classifier needs two or more{hint}", .path.display())]
    OneClass {
        /// The folder that was searched.
        path: PathBuf,
        /// The class.
        class: String,
        /// The folder that may be meant instead, in words, or an empty text.
        hint: String,
    },
    /// The folders are no classes.
    #[error("{}: {problem}", .path.display())]
    Layout {
        /// The folder that was searched.
        path: PathBuf,
        /// What the folders look like, and what to do about it.
        problem: String,
    },
    /// There are images of other classes than those that are listed.
    #[error(
        "{}: there are images of classes that are not listed: {classes}; list them, or take the images away{hint}",
        .path.display()
    )]
    OtherClasses {
        /// The folder that was searched.
        path: PathBuf,
        /// The other classes with their numbers of images, quoted.
        classes: String,
        /// A class that may be meant instead, in words, or an empty text.
        hint: String,
    },
    /// The labels file has no such column.
    #[error(
        "{}: there is no column {column:?}; the columns are {columns}; name the one that is meant{hint}",
        .file.display()
    )]
    NoColumn {
        /// The labels file.
        file: PathBuf,
        /// The column that was asked for.
        column: String,
        /// The columns of the file, quoted.
        columns: String,
        /// The column that may be meant, in words, or an empty text.
        hint: String,
    },
    /// The labels file has the column more than once.
    #[error("{}: the column {column:?} is there more than once: give each a name of its own", .file.display())]
    ColumnTwice {
        /// The labels file.
        file: PathBuf,
        /// The column.
        column: String,
    },
    /// A line of the labels file can't be used.
    #[error("{}, line {line}: {problem}", .file.display())]
    LabelsLine {
        /// The labels file.
        file: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with the line, and what to do about it.
        problem: String,
    },
    /// A task of an export can't be used.
    #[error("{}, task {task}: {problem}", .file.display())]
    LabelsTask {
        /// The file.
        file: PathBuf,
        /// The task, counted from 1.
        task: usize,
        /// What is wrong with the task, and what to do about it.
        problem: String,
    },
    /// A Parquet file can't be used as a set of images.
    #[error("{}: {problem}", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what is expected.
        problem: String,
    },
    /// No row of the labels file names an image of the set.
    #[error(
        "{}: no row names an image of {}; paths are relative to that folder: the first row says {row:?}, an \
         image there is {image:?} ({reason})", .file.display(), .data.display()
    )]
    NoRowMatches {
        /// The labels file.
        file: PathBuf,
        /// The folder of images.
        data: PathBuf,
        /// The path in the first row.
        row: String,
        /// The path of an image of the folder.
        image: String,
        /// Why that row names none.
        reason: String,
    },
    /// The test fraction is not in 0..1.
    #[error("the test fraction {0} is out of range; give a number from 0 (no test images) to below 1")]
    TestFraction(f64),
    /// The settings of the views contradict each other.
    #[error("the image transform is not possible: {0}")]
    Transform(String),
    /// The bytes are not an image.
    #[error("not a readable image: {0}")]
    Decode(String),
    /// The file can't be read as an image.
    #[error("{path}: {reason}")]
    Image {
        /// The path of the file.
        path: String,
        /// Why it can't be read.
        reason: String,
    },
    /// The set has no sample with this index.
    #[error("there is no sample {index}: the set has {len}")]
    NoSample {
        /// The index.
        index: usize,
        /// The number of samples.
        len: usize,
    },
    /// The decoded set does not fit into memory.
    #[error(
        "{images} decoded images need {bytes} bytes of memory, which is more than there is; cache them on disk"
    )]
    Memory {
        /// The number of images.
        images: usize,
        /// The number of bytes that they need.
        bytes: usize,
    },
    /// The operating system refused a file operation.
    #[error("{}: {doing}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operation, in words.
        doing: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The stop flag was raised.
    #[error("stopped before all images were read")]
    Stopped,
}

impl Error {
    pub(crate) fn io(path: &Path, doing: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), doing, source }
    }
}
