//! The steps from a folder to a labelled set.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::classes::Numbering;
use super::folded::folded;
use super::label::{Labelled, by_folder, by_table};
use super::layout::Layout;
use super::metadata::{Metadata, folders_are_no_classes};
use super::nesting::Nesting;
use super::options::{Classes, OpenOptions, TestSplit};
use super::table::Table;
use super::{reviewed, rows, split};
use crate::{Error, ImageFolder, Left, Result, Skipped};

/// The set of images below `data`. No image is decoded.
///
/// # Errors
/// [`Error::Missing`] and [`Error::NotAFolder`] for the folder; [`Error::NoImages`], [`Error::OneClass`], [`Error::Layout`] and
/// [`Error::OtherClasses`] for what is in it; [`Error::NoColumn`], [`Error::LabelsLine`] and [`Error::NoRowMatches`] for the labels file,
/// among them a path with two labels and a class that is not a folder, and for the file of verdicts, which can be [`Error::LabelsTask`] too;
/// [`Error::TestFraction`]; [`Error::Io`] for a folder or file that
/// can't be read.
pub fn open(data: &Path, options: &OpenOptions) -> Result<ImageFolder> {
    if let TestSplit::Fraction(fraction) = options.test
        && !(0.0..1.0).contains(&fraction)
    {
        return Err(Error::TestFraction(fraction));
    }
    let in_rows = rows::scan(data, options)?;
    let is_in_rows = in_rows.is_some();
    let (layout, scanned) = match in_rows {
        Some(scanned) => (Layout::without_folders(data), scanned),
        None => {
            let layout = Layout::find(data, options)?;
            let scanned = layout.scan()?;
            (layout, scanned)
        }
    };
    let metadata = match &options.labels {
        None if !is_in_rows => Metadata::find(&layout),
        _ => None,
    };
    let mut notices = Vec::new();
    let mut is_by_folder = !is_in_rows && options.labels.is_none();
    let labelled = match (&options.labels, &metadata) {
        (Some(csv), _) => by_table(scanned, &layout, &Table::read(csv)?, options)?,
        (None, Some(metadata)) if folders_are_no_classes(&scanned) => {
            notices.push(metadata.in_words());
            is_by_folder = false;
            by_table(scanned, &layout, &metadata.table(options.label_column.as_deref())?, options)?
        }
        (None, Some(metadata)) => {
            notices.push(metadata.left_in_words());
            by_folder(scanned)
        }
        (None, None) => by_folder(scanned),
    };
    let Labelled { classes, mut train, mut test, is_split, mut set } = labelled;
    if let Some(file) = &options.reviewed {
        let known = match &options.classes {
            Classes::Found => &classes,
            Classes::Listed(classes) | Classes::Known(classes) => classes,
        };
        reviewed::apply(file, data, (&mut train, &mut test), known, &mut set)?;
    }
    forget_labels_files(&mut set.left, data, options, metadata.as_ref());
    let is_known = matches!(options.classes, Classes::Known(_));
    if train.is_empty() && (test.is_empty() || !is_known) {
        return Err(nothing_to_train_on(data, &set, is_in_rows));
    }
    let nesting = Nesting::of(&train);
    if let [class] = classes.as_slice()
        && !is_known
    {
        let hint = if is_by_folder { nesting.hint(data) } else { String::new() };
        return Err(Error::OneClass { path: data.to_owned(), class: class.clone(), hint });
    }
    set.warnings.append(&mut notices);
    if is_by_folder {
        set.warnings.append(&mut nesting.check(data)?);
    }
    train.sort_by(|a, b| a.key.cmp(&b.key));
    if let TestSplit::Fraction(fraction) = options.test
        && !is_split
    {
        (train, test) = split::by_path_hash(train, fraction);
        set.test_is_split_off = true;
    }
    if let Some(count) = options.per_class {
        train = split::first_of_each_group(train, count);
    }
    let (why, who) = match is_known {
        true => ("the model doesn't know its class", "the model doesn't know"),
        false => ("no training image has its class", "no training image has"),
    };
    set.warnings.extend(alike_but_for_case(&classes));
    let mut numbering = Numbering::new(classes, &options.classes, options.limits);
    set.train = numbering.samples(train, &mut set.skipped, why);
    set.test = numbering.samples(test, &mut set.skipped, why);
    numbering.check(data, &options.classes)?;
    numbering.finish(&mut set, who);
    set.test.sort_by(|a, b| a.path.cmp(&b.path));
    set.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    set.left.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(set)
}

/// Whether a set has a column or field that says what its labels are ([`OpenOptions::label_column`]): it is in Parquet, or an `imagefolder`
/// with metadata.
pub fn has_label_columns(data: &Path) -> bool {
    let options = OpenOptions { test: TestSplit::Folders, ..OpenOptions::default() };
    rows::is_parquet(data)
        || Layout::find(data, &options).is_ok_and(|layout| Metadata::find(&layout).is_some())
}

/// A sentence about classes whose names differ by case alone, which may be one.
fn alike_but_for_case(classes: &[String]) -> Option<String> {
    let mut by_name: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    classes.iter().for_each(|class| by_name.entry(folded(class)).or_default().push(class));
    let alike = by_name.values().filter(|names| names.len() > 1);
    let alike: Vec<String> = alike.map(|names| names.join(" and ")).collect();
    let these = alike.join("; ");
    (!alike.is_empty())
        .then(|| format!("classes whose names differ by case alone, and which may be one: {these}"))
}

/// Takes the files of labels and of verdicts, which are often in the folder of the images, from the files that are left.
fn forget_labels_files(
    left: &mut Vec<Left>,
    data: &Path,
    options: &OpenOptions,
    metadata: Option<&Metadata>,
) {
    let labels = options.labels.as_ref().map(|csv| &csv.file).into_iter().chain(&options.reviewed);
    let labels = labels.map(PathBuf::as_path).chain(metadata.into_iter().flat_map(Metadata::files));
    labels.for_each(|file| forget(left, data, file));
}

/// Takes a file from those that are left.
fn forget(left: &mut Vec<Left>, data: &Path, file: &Path) {
    let Ok(file) = fs::canonicalize(file) else { return };
    let is_it = |left: &Left| {
        file.file_name().is_some_and(|name| left.path.ends_with(&*name.to_string_lossy()))
            && fs::canonicalize(data.join(&left.path)).is_ok_and(|path| path == file)
    };
    left.retain(|left| !is_it(left));
}

fn nothing_to_train_on(data: &Path, set: &ImageFolder, is_in_rows: bool) -> Error {
    let mut found = Vec::new();
    if !set.left.is_empty() {
        found.push(format!("left: {}", Left::counts(&set.left)));
        found.extend(Left::to_convert(&set.left));
    }
    if let Some(Skipped { path, reason }) = set.skipped.first() {
        found.push(format!("{} skipped, the first: {path}: {reason}", set.skipped.len()));
    }
    if is_in_rows {
        let found = if found.is_empty() { "there are no rows".to_owned() } else { found.join("; ") };
        let problem = format!("no row to train on: each needs an image and a label ({found})");
        return Error::Parquet { path: data.to_owned(), problem };
    }
    let found = if found.is_empty() { "nothing else is there".to_owned() } else { found.join("; ") };
    Error::NoImages { path: data.to_owned(), found }
}
