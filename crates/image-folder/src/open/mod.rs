//! A folder of images, and perhaps a CSV of labels, to a labelled set.
//!
//! The steps: where are the images to train and to test on ([`layout`]); which files are there ([`scan`]);
//! which label has each ([`label`], [`table`]); which are held out ([`split`]).

mod label;
mod layout;
mod scan;
mod split;
mod table;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::{Error, ImageFolder, Pixels, Result, Sample, Skipped};
use label::Labelled;
use layout::Layout;

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

/// Opens the set of images below `data`, without decoding any.
///
/// # Errors
/// The folder is missing, holds no images, or images of one class; the labels file can't be read, lacks a
/// column, gives a path two labels, or names a class that the folders don't have.
pub fn open(data: &Path, options: &OpenOptions) -> Result<ImageFolder> {
    if let TestSplit::Fraction(fraction) = options.test
        && !(0.0..1.0).contains(&fraction)
    {
        return Err(Error::TestFraction(fraction));
    }
    let layout = Layout::find(data, &options.test, options.test_name.as_deref())?;
    let scanned = layout.scan()?;
    let labelled = match &options.labels {
        None => label::by_folder(scanned),
        Some(csv) => label::by_table(scanned, &layout, csv)?,
    };
    let Labelled { classes, mut train, mut test, mut set } = labelled;
    if train.is_empty() {
        return Err(nothing_to_train_on(data, &set));
    }
    if let [class] = classes.as_slice() {
        return Err(one_class(data, class, &layout));
    }
    train.sort_by(|a, b| a.key.cmp(&b.key));
    if let TestSplit::Fraction(fraction) = options.test
        && !layout.has_test()
    {
        (train, test) = split::by_path_hash(train, fraction);
        set.test_is_split_off = true;
    }
    if let Some(count) = options.per_class {
        train = split::first_of_each_group(train, count);
    }
    let ids: HashMap<&str, usize> =
        classes.iter().enumerate().map(|(id, name)| (name.as_str(), id)).collect();
    let mut strangers = Vec::new();
    let mut sample = |image: label::Image| {
        let Some(&label) = ids.get(image.label.as_str()) else {
            strangers.push(Skipped {
                path: image.key,
                reason: format!("no training image has its class, {:?}", image.label),
            });
            return None;
        };
        let truth = image.truth.and_then(|name| ids.get(name.as_str()).copied());
        Some(Sample { path: image.key, source: Pixels::File(image.file), label, truth })
    };
    set.train = train.into_iter().filter_map(&mut sample).collect();
    set.test = test.into_iter().filter_map(&mut sample).collect();
    if !strangers.is_empty() {
        set.warnings
            .push(format!("{} test images are of classes that no training image has", strangers.len()));
    }
    set.skipped.append(&mut strangers);
    set.test.sort_by(|a, b| a.path.cmp(&b.path));
    set.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    set.classes = classes;
    Ok(set)
}

fn nothing_to_train_on(data: &Path, set: &ImageFolder) -> Error {
    let mut found = format!("{} other files, {} hidden ones", set.other_files, set.hidden);
    if let Some(Skipped { path, reason }) = set.skipped.first() {
        found += &format!(", {} skipped, the first: {path}: {reason}", set.skipped.len());
    }
    Error::NoImages { path: data.to_owned(), found }
}

fn one_class(data: &Path, class: &str, layout: &Layout) -> Error {
    let hint = match class {
        "train" | "test" | "val" if !layout.has_test() => {
            format!("; perhaps {} is the folder that is meant", data.join(class).display())
        }
        _ => String::new(),
    };
    Error::OneClass { path: data.to_owned(), class: class.to_owned(), hint }
}
