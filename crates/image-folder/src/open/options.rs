//! How to open a set.

use std::path::PathBuf;

/// A CSV file with the labels of images. It has a header line; fields are separated by commas and may be in double quotes.
/// A byte order mark and any line ends are allowed.
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
    /// The labels in this file, with the default columns `path` and `label`, and without true labels.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            path_column: "path".to_owned(),
            label_column: "label".to_owned(),
            truth_column: None,
        }
    }
}

/// The images that are held out to test on.
#[derive(Clone, Debug, PartialEq)]
pub enum TestSplit {
    /// No images: every image of the set is trained on, also those below `test/`.
    None,
    /// The images below `test/` (or `val/`) where that folder is beside `train/`; else no images.
    Folders,
    /// The images below `test/` (or `val/`) where that folder is beside `train/`; else this share of each class, 0 <= f < 1. An image is
    /// held out by the hash of its path, so that it stays on its side when other images are added.
    Fraction(f64),
    /// The images in another folder, which holds one folder for each class. It takes precedence over `test/`.
    Dir(PathBuf),
}

/// The options of [`open`](fn@crate::open).
#[derive(Clone, Debug, PartialEq)]
pub struct OpenOptions {
    /// A file of labels; without it, an image's label is the name of its folder.
    pub labels: Option<LabelsCsv>,
    /// The images that are held out.
    pub test: TestSplit,
    /// The largest number of training images of each class, the first by path. A class is a folder here, or the given
    /// label where there are no class folders.
    pub per_class: Option<usize>,
    /// The beginning of the paths of the images in [`TestSplit::Dir`], where that folder is outside of the set. Default: the
    /// folder's path.
    pub test_name: Option<PathBuf>,
}

impl Default for OpenOptions {
    /// Labels from the folders, a tenth of the images held out, and no limit for a class.
    fn default() -> Self {
        Self { labels: None, test: TestSplit::Fraction(0.1), per_class: None, test_name: None }
    }
}
