//! The label of each file: its folder's, or the one in a table.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::layout::{Layout, Scanned};
use super::options::LabelsCsv;
use super::scan::{Found, Scan};
use super::table::Table;
use crate::{Error, ImageFolder, Result, Skipped};

/// Folders that a warning names.
const NAMED: usize = 5;

/// A file with its label, before classes are numbered.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) key: String,
    pub(super) file: PathBuf,
    pub(super) folder: Option<String>,
    pub(super) label: String,
    pub(super) truth: Option<String>,
}

/// All labelled files. `set` holds the skipped files, counts and warnings so far.
#[derive(Debug)]
pub(super) struct Labelled {
    pub(super) classes: Vec<String>,
    pub(super) train: Vec<Image>,
    pub(super) test: Vec<Image>,
    pub(super) set: ImageFolder,
}

pub(super) fn by_folder(scanned: Scanned) -> Labelled {
    let mut set = begin(&scanned);
    let folders = scanned.train.folders;
    let train = labelled_by_folder(scanned.train.images, &mut set.skipped);
    let test = labelled_by_folder(scanned.test.images, &mut set.skipped);
    let classes: BTreeSet<String> = train.iter().map(|image| image.label.clone()).collect();
    warn_of_empty_folders(&folders, &classes, &mut set.warnings);
    Labelled { classes: classes.into_iter().collect(), train, test, set }
}

pub(super) fn by_table(scanned: Scanned, layout: &Layout, csv: &LabelsCsv) -> Result<Labelled> {
    let mut table = Table::read(csv)?;
    let mut set = begin(&scanned);
    set.skipped.append(&mut table.skipped);
    set.warnings.append(&mut table.warnings);
    let Scanned { train: mut train_scan, test: mut test_scan, .. } = scanned;

    let folders: BTreeSet<String> = train_scan.folders.union(&test_scan.folders).cloned().collect();
    let folders_are_classes = table.names_any_of(&folders);
    if folders_are_classes {
        table.check_names(&folders)?;
    }
    add_named_files(&table, layout, &mut train_scan, &mut test_scan, &mut set);
    if table.matches(&train_scan.images) == 0
        && let (Some(row), Some(image)) = (table.first_path(), train_scan.images.first())
    {
        return Err(Error::NoRowMatches {
            file: csv.file.clone(),
            data: layout.data.clone(),
            row: row.to_owned(),
            image: image.key.clone(),
        });
    }

    let mut classes = BTreeSet::new();
    if folders_are_classes {
        classes.extend(train_scan.images.iter().filter_map(|found| found.folder.clone()));
        warn_of_empty_folders(&train_scan.folders, &classes, &mut set.warnings);
    }
    let train = train_scan.images.into_iter().filter_map(|found| {
        let row = table.row(&found.key);
        match row.and_then(|row| row.label.clone()) {
            Some(label) => Some(Image::new(found, label, row.and_then(|row| row.truth.clone()))),
            None => {
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
    for image in &train {
        classes.insert(image.label.clone());
        classes.extend(image.truth.clone());
    }
    let (named, unnamed): (Vec<Found>, Vec<Found>) = test_scan
        .images
        .into_iter()
        .partition(|found| table.row(&found.key).is_some_and(|row| row.label.is_some()));
    let mut test = labelled_by_folder(unnamed, &mut set.skipped);
    test.extend(named.into_iter().filter_map(|found| {
        let row = table.row(&found.key)?;
        Some(Image::new(found, row.label.clone()?, row.truth.clone()))
    }));
    Ok(Labelled { classes: classes.into_iter().collect(), train, test, set })
}

impl Image {
    fn new(found: Found, label: String, truth: Option<String>) -> Self {
        Self { key: found.key, file: found.file, folder: found.folder, label, truth }
    }
}

fn begin(scanned: &Scanned) -> ImageFolder {
    let scans = [&scanned.train, &scanned.test];
    ImageFolder {
        skipped: scans.iter().flat_map(|scan| scan.skipped.iter().cloned()).collect(),
        hidden: scans.iter().map(|scan| scan.hidden).sum(),
        other_files: scans.iter().map(|scan| scan.other_files).sum(),
        warnings: scanned.warnings.clone(),
        ..ImageFolder::default()
    }
}

fn labelled_by_folder(images: Vec<Found>, skipped: &mut Vec<Skipped>) -> Vec<Image> {
    let label = |found: Found| match found.folder.clone() {
        Some(folder) => Some(Image::new(found, folder, None)),
        None => {
            skipped.push(Skipped { path: found.key, reason: "it is in no class folder".to_owned() });
            None
        }
    };
    images.into_iter().filter_map(label).collect()
}

/// One warning, however many folders are empty.
fn warn_of_empty_folders(folders: &BTreeSet<String>, classes: &BTreeSet<String>, warnings: &mut Vec<String>) {
    let empty: Vec<&String> = folders.difference(classes).collect();
    let named: Vec<String> = empty.iter().take(NAMED).map(|folder| format!("{folder:?}")).collect();
    match empty.len() {
        0 => {}
        1 => warnings.push(format!("the class folder {} holds no images, so it is no class", named.join(""))),
        count => {
            let more = if count > NAMED { ", ..." } else { "" };
            warnings.push(format!(
                "{count} class folders hold no images, so they are no classes: {}{more}",
                named.join(", ")
            ));
        }
    }
}

/// Adds the files that the table names and the scan left out because of their ending, and lists the rows without a file.
fn add_named_files(table: &Table, layout: &Layout, train: &mut Scan, test: &mut Scan, set: &mut ImageFolder) {
    let known: BTreeSet<&str> =
        train.images.iter().chain(&test.images).map(|found| found.key.as_str()).collect();
    let missing: Vec<(String, u64)> = table.rows_not_in(&known);
    for (key, line) in missing {
        let file = layout.data.join(&key);
        let trains = layout.train.iter().find(|root| key.starts_with(&root.prefix));
        let tests = layout.test.iter().find(|root| key.starts_with(&root.prefix));
        let (root, scan) = match (tests, trains) {
            (Some(root), _) => (root, &mut *test),
            (None, Some(root)) => (root, &mut *train),
            (None, None) => {
                let reason =
                    format!("line {line} of the labels names it, but it is in none of the folders used");
                set.skipped.push(Skipped { path: key, reason });
                continue;
            }
        };
        if file.is_file() {
            let folder = key[root.prefix.len()..].split_once('/').map(|(first, _)| first.to_owned());
            scan.images.push(Found { key: key.clone(), file, folder });
            if !key.split('/').any(|part| part.starts_with('.')) {
                set.other_files = set.other_files.saturating_sub(1);
            }
        } else {
            let reason = format!("line {line} of the labels names it, but there is no such file");
            set.skipped.push(Skipped { path: key, reason });
        }
    }
}
