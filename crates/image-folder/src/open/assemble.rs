//! The steps from a folder to a labelled set.

use std::collections::HashMap;
use std::path::Path;

use super::label::{Image, Labelled, by_folder, by_table};
use super::layout::Layout;
use super::options::{OpenOptions, TestSplit};
use super::split;
use crate::{Error, ImageFolder, Pixels, Result, Sample, Skipped};

/// The set of images below `data`. No image is decoded.
///
/// # Errors
/// [`Error::Missing`] and [`Error::NotAFolder`] for the folder; [`Error::NoImages`] and [`Error::OneClass`] for its images;
/// [`Error::NoColumn`], [`Error::LabelsLine`] and [`Error::NoRowMatches`] for the labels file, among them a path with two labels and a
/// class that is not a folder; [`Error::TestFraction`]; [`Error::Io`] for a folder or file that can't be read.
pub fn open(data: &Path, options: &OpenOptions) -> Result<ImageFolder> {
    if let TestSplit::Fraction(fraction) = options.test
        && !(0.0..1.0).contains(&fraction)
    {
        return Err(Error::TestFraction(fraction));
    }
    let layout = Layout::find(data, &options.test, options.test_name.as_deref())?;
    let scanned = layout.scan()?;
    let labelled = match &options.labels {
        None => by_folder(scanned),
        Some(csv) => by_table(scanned, &layout, csv)?,
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
    let mut sample = |image: Image| {
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
