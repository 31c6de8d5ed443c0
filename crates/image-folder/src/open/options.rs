//! How to open a set.

use std::path::{Path, PathBuf};

use crate::Limits;

/// A CSV file with the labels of images. It has a header line; fields are separated by commas, semicolons or tabs, which the header
/// shows, and may be in double quotes. A byte order mark, any line ends, and a first line `sep=;` are allowed. Columns are found in any
/// case where only one is meant.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelsCsv {
    /// The file.
    pub file: PathBuf,
    /// The column with the paths of the images, relative to the folder of the set. A path that names no file is taken for the only file
    /// that it can mean: by an absolute path, with backslashes, another case, no ending, or Unicode in another form.
    pub path_column: String,
    /// The column with the given labels.
    pub label_column: String,
    /// The column with the true labels, where they are known.
    pub truth_column: Option<String>,
    /// The column that says which images are held out: train, val or test; or true for those held out, where its name begins with
    /// `is_` (as in `is_valid`). Default: a column `split`, `is_valid`, `is_val` or `is_test`, where there is one.
    pub split_column: Option<String>,
}

impl LabelsCsv {
    /// The labels in this file, with the default columns `path` and `label`, and without true labels.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            path_column: "path".to_owned(),
            label_column: "label".to_owned(),
            truth_column: None,
            split_column: None,
        }
    }
}

/// The images that are held out to test on.
#[derive(Clone, Debug, PartialEq)]
pub enum TestSplit {
    /// No images: every image of the set is trained on, also those below `test/`.
    None,
    /// The images that the labels' column says; else those below `test/` or `val/` where that folder is beside `train/` (by any usual name,
    /// in any case); else no images.
    Folders,
    /// The same images; without such a column or folder this share of each class, 0 <= f < 1. An image is held out by the hash of its
    /// path, so that it stays on its side when other images are added.
    Fraction(f64),
    /// The images in another folder, which holds one folder for each class. It takes precedence over `test/`.
    Dir(PathBuf),
}

/// The classes of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Classes {
    /// Those of the images to train on, sorted by name.
    #[default]
    Found,
    /// These, in this order, whether there are images of all of them or not. An image of another class is an error.
    Listed(Vec<String>),
    /// These, in this order, which somebody knows. Images of another class are skipped, and one class of images is enough.
    Known(Vec<String>),
}

/// The options of [`open`](fn@crate::open).
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// A file of labels; without it, an image's label is the name of its folder.
    pub labels: Option<LabelsCsv>,
    /// The column or field that holds the labels of a set in Parquet, or of the metadata of an `imagefolder`. Default: `label`; in Parquet
    /// else the only column whose numbers have names.
    pub label_column: Option<String>,
    /// A file of verdicts on labels: a CSV with the columns `path`, `given_label`, `label`, `verdict` (`accept`, `keep`, `other` or
    /// `unsure`), of which `path` and `label` are needed, or an export of Label Studio as JSON. The last verdict on an image counts. The
    /// image gets the label that is right by it, and is one of [`ImageFolder::verified`](crate::ImageFolder::verified).
    pub reviewed: Option<PathBuf>,
    /// The images that are held out.
    pub test: TestSplit,
    /// The largest number of training images of each class, the first by path. A class is a folder here, or the given
    /// label where there are no class folders.
    pub per_class: Option<usize>,
    /// The beginning of the paths of the images in [`TestSplit::Dir`], where that folder is outside of the set. Default: the
    /// folder's path.
    pub test_name: Option<PathBuf>,
    /// The classes.
    pub classes: Classes,
    /// The largest image that a file may hold.
    pub limits: Limits,
    /// Whether a folder below that of the set is one of a program's own results, so that it is left.
    pub is_output: Option<fn(&Path) -> bool>,
}

impl Default for OpenOptions {
    /// Labels from the folders, a tenth of the images held out, and no limit for a class.
    fn default() -> Self {
        Self {
            labels: None,
            label_column: None,
            reviewed: None,
            test: TestSplit::Fraction(0.1),
            per_class: None,
            test_name: None,
            classes: Classes::Found,
            limits: Limits::default(),
            is_output: None,
        }
    }
}
