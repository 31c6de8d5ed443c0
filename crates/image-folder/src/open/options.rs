//! How to open a set.

use std::path::PathBuf;

/// A CSV file that says which image has which label. It has a header line; commas separate, double quotes
/// quote; a byte order mark and any line ends are fine.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelsCsv {
    /// The file.
    pub file: PathBuf,
    /// The column with the paths of the images, relative to the folder of the set.
    pub path_column: String,
    /// The column with the given labels.
    pub label_column: String,
    /// The column with the true labels, where they are known.
    pub truth_column: Option<String>,
}

impl LabelsCsv {
    /// The file, with the usual columns `path` and `label`, and no true labels.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            path_column: "path".to_owned(),
            label_column: "label".to_owned(),
            truth_column: None,
        }
    }
}

/// Which images are held out to test on.
///
/// Where the set has `train/` and `test/` (or `val/`) below it, all but `Everything` go by those folders.
#[derive(Clone, Debug, PartialEq)]
pub enum TestSplit {
    /// None: every image of the set is to be trained on, also those below `test/`.
    None,
    /// Those that the folders say; none where there is no `test/` or `val/` beside `train/`.
    Folders,
    /// Those that the folders say; else this part of each class, 0 <= f < 1. An image is held out by the hash
    /// of its path, so that it stays on its side when others are added.
    Fraction(f64),
    /// Those in another folder, with one folder a class. It wins over `test/`.
    Dir(PathBuf),
}

/// How to open a set.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenOptions {
    /// Labels from a file; without, an image's label is the folder it lies in.
    pub labels: Option<LabelsCsv>,
    /// Which images are held out.
    pub test: TestSplit,
    /// Only the first so many training images of each class, by path. A class is a folder here; the given
    /// label where there are no class folders.
    pub per_class: Option<usize>,
    /// What the paths of the images in [`TestSplit::Dir`] begin with, where that folder lies outside of the set; without, the
    /// folder's path.
    pub test_name: Option<PathBuf>,
}

impl Default for OpenOptions {
    /// Labels from the folders, a tenth held out, no image left out.
    fn default() -> Self {
        Self { labels: None, test: TestSplit::Fraction(0.1), per_class: None, test_name: None }
    }
}
