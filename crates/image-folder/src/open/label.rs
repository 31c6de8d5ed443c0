//! The label of each file: its folder's, or the one in a table.

use std::collections::BTreeSet;

use super::layout::{Layout, Scanned};
use super::named::Named;
use super::options::{OpenOptions, TestSplit};
use super::part::Part;
use super::scan::{Found, Source};
use super::table::Table;
use crate::{ImageFolder, LeftKind, Result, Skipped};

/// The number of names that a message lists.
const NAMED: usize = 10;

/// A file with its label, before classes are numbered.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) key: String,
    pub(super) source: Source,
    pub(super) folder: Option<String>,
    /// Where in the key the path below that folder begins.
    pub(super) inner: usize,
    pub(super) label: String,
    pub(super) truth: Option<String>,
}

/// All labelled files. `set` holds the skipped files, counts and warnings so far.
#[derive(Debug)]
pub(super) struct Labelled {
    pub(super) classes: Vec<String>,
    pub(super) train: Vec<Image>,
    pub(super) test: Vec<Image>,
    /// Whether folders or the labels say which images are held out.
    pub(super) is_split: bool,
    pub(super) set: ImageFolder,
}

/// Each image under the label of its own table, or else of its folder.
pub(super) fn by_folder(scanned: Scanned) -> Labelled {
    let is_split = scanned.is_split;
    let (mut set, scanned) = begin(scanned);
    let folders = scanned.train.folders;
    let train = labelled_by_folder(scanned.train.images, &mut set.skipped);
    let test = labelled_by_folder(scanned.test.images, &mut set.skipped);
    let classes: BTreeSet<String> = train.iter().map(|image| image.label.clone()).collect();
    warn_of_empty_folders(&folders, &classes, &mut set.warnings);
    Labelled { classes: classes.into_iter().collect(), train, test, is_split, set }
}

/// Each image under the label that a table gives it.
pub(super) fn by_table(
    scanned: Scanned,
    layout: &Layout,
    table: &Table,
    options: &OpenOptions,
) -> Result<Labelled> {
    let mut is_split = scanned.is_split;
    let (mut set, scanned) = begin(scanned);
    let Scanned { train: mut train_scan, test: mut test_scan, .. } = scanned;
    set.skipped.extend(table.skipped.iter().cloned());

    let folders: BTreeSet<String> = train_scan.folders.union(&test_scan.folders).cloned().collect();
    let folders_are_classes = table.names_any_of(&folders);
    if folders_are_classes {
        table.check_names(&folders)?;
    }
    let mut named = Named::find(table, layout, (&mut train_scan, &mut test_scan), &mut set.left)?;
    set.skipped.append(&mut named.skipped);
    set.warnings.append(&mut named.warnings);
    if let Some(column) = &table.split_column {
        if table.csv.split_column.is_none() {
            set.warnings.push(format!("the column {column:?} of the labels says which images are held out"));
        }
        let all: Vec<Found> = match options.test {
            // The other folder stays the test set.
            TestSplit::Dir(_) => std::mem::take(&mut train_scan.images),
            _ => train_scan.images.drain(..).chain(test_scan.images.drain(..)).collect(),
        };
        let parts = by_part(all, &named, options, &mut set);
        is_split |= !parts.held_out.is_empty();
        train_scan.images = parts.train;
        test_scan.images.extend(parts.held_out);
    }

    let mut classes = BTreeSet::new();
    if folders_are_classes {
        classes.extend(train_scan.images.iter().filter_map(|found| found.folder.clone()));
        warn_of_empty_folders(&train_scan.folders, &classes, &mut set.warnings);
    }
    let mut without = 0;
    let train = train_scan.images.into_iter().filter_map(|found| {
        let row = named.row(&found.key);
        match row.and_then(|row| row.label.clone()) {
            Some(label) => Some(Image::new(found, label, row.and_then(|row| row.truth.clone()))),
            None => {
                without += 1;
                let reason = match row {
                    Some(row) => format!("line {} of the labels gives it no label", row.line),
                    None => "the labels have no row for it".to_owned(),
                };
                set.skipped.push(Skipped { path: found.key, reason });
                None
            }
        }
    });
    let train: Vec<Image> = train.collect();
    if without > 0 {
        set.warnings.push(format!(
            "images without a label in {}: {without}; they take no part",
            table.csv.file.display()
        ));
    }
    for image in &train {
        classes.insert(image.label.clone());
        classes.extend(image.truth.clone());
    }
    let has_label = |found: &Found| named.row(&found.key).is_some_and(|row| row.label.is_some());
    let (by_row, unnamed): (Vec<Found>, Vec<Found>) = test_scan.images.into_iter().partition(has_label);
    let mut test = labelled_by_folder(unnamed, &mut set.skipped);
    test.extend(by_row.into_iter().filter_map(|found| {
        let row = named.row(&found.key)?;
        Some(Image::new(found, row.label.clone()?, row.truth.clone()))
    }));
    Ok(Labelled { classes: classes.into_iter().collect(), train, test, is_split, set })
}

impl Image {
    fn new(found: Found, label: String, truth: Option<String>) -> Self {
        let Found { key, source, folder, inner, .. } = found;
        Self { key, source, folder, inner, label, truth }
    }
}

/// The set so far, with what is left or skipped and all warnings, and the files that may become images of it.
fn begin(mut scanned: Scanned) -> (ImageFolder, Scanned) {
    let mut set = ImageFolder { warnings: std::mem::take(&mut scanned.warnings), ..ImageFolder::default() };
    for scan in [&mut scanned.train, &mut scanned.test] {
        set.skipped.append(&mut scan.skipped);
        // A folder that results were left in was made for them.
        let results = scan.left.iter().filter(|left| left.kind == LeftKind::Output);
        let above: BTreeSet<&str> =
            results.filter_map(|left| left.path.rsplit_once('/').map(|(above, _)| above)).collect();
        scan.folders.retain(|folder| !above.iter().any(|above| above.split('/').any(|part| part == folder)));
        set.left.append(&mut scan.left);
        let (images, others) = scan.images.drain(..).partition(|found| found.is_utf8);
        scan.images = images;
        set.skipped.extend(
            others.into_iter().map(|found| Skipped {
                path: found.key,
                reason: "its path is not UTF-8: rename it".to_owned(),
            }),
        );
    }
    (set, scanned)
}

/// Images by the column that says which are held out.
struct ByPart {
    train: Vec<Found>,
    held_out: Vec<Found>,
}

fn by_part(all: Vec<Found>, named: &Named, options: &OpenOptions, set: &mut ImageFolder) -> ByPart {
    let part_of = |found: &Found| named.row(&found.key).and_then(|row| row.part);
    let has_test = all.iter().any(|found| part_of(found) == Some(Part::Test));
    let mut parts = ByPart { train: Vec::new(), held_out: Vec::new() };
    let (mut left_out, mut without) = (0, 0);
    for found in all {
        match (part_of(&found), &options.test) {
            // Without a row, it has no label either, which is said there.
            (None, _) if named.row(&found.key).is_none() => parts.train.push(found),
            (None, _) => {
                without += 1;
                let reason = "the labels don't say which part of the set it belongs to".to_owned();
                set.skipped.push(Skipped { path: found.key, reason });
            }
            (Some(Part::Train), _) | (_, TestSplit::None) => parts.train.push(found),
            (Some(part), test)
                if matches!(test, TestSplit::Dir(_)) || (has_test && part == Part::Validation) =>
            {
                left_out += 1;
            }
            (Some(_), _) => parts.held_out.push(found),
        }
    }
    if left_out > 0 {
        let why = match options.test {
            TestSplit::Dir(_) => "another folder is the test set",
            _ => "those for testing are the test set",
        };
        set.warnings.push(format!(
            "images that the labels hold out for validation, and that are left out: {left_out}; {why}"
        ));
    }
    if without > 0 {
        set.warnings.push(format!(
            "images that are in no part of the set by the labels: {without}; they take no part"
        ));
    }
    parts
}

fn labelled_by_folder(images: Vec<Found>, skipped: &mut Vec<Skipped>) -> Vec<Image> {
    let label = |found: Found| match found.label.clone().or_else(|| found.folder.clone()) {
        Some(label) => Some(Image::new(found, label, None)),
        None => {
            let reason = match found.source {
                Source::File(_) => "it is in no class folder",
                Source::Row(..) => "its row has no label",
            };
            skipped.push(Skipped { path: found.key, reason: reason.to_owned() });
            None
        }
    };
    images.into_iter().filter_map(label).collect()
}

/// One warning, however many folders are empty.
fn warn_of_empty_folders(folders: &BTreeSet<String>, classes: &BTreeSet<String>, warnings: &mut Vec<String>) {
    let empty: Vec<&String> = folders.difference(classes).collect();
    let named: Vec<String> = empty.iter().take(NAMED).map(|folder| format!("{folder:?}")).collect();
    let more = if empty.len() > NAMED { ", ..." } else { "" };
    match empty.len() {
        0 => {}
        1 => warnings.push(format!("the class folder {} holds no images, so it is no class", named[0])),
        count => warnings.push(format!(
            "{count} class folders hold no images, so they are no classes: {}{more}",
            named.join(", ")
        )),
    }
}
