//! The rows of the labels, each with the file that it means.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::layout::Layout;
use super::resolve::{Files, NoFile};
use super::root::Root;
use super::scan::{Found, Scan};
use super::table::{Row, Table};
use crate::{Error, Left, Result, Skipped};

/// The number of rows without a file for which the nearest files are looked for.
const LOOKED_FOR: usize = 10;

/// The rows by the keys of their files.
#[derive(Debug, Default)]
pub(super) struct Named {
    rows: HashMap<String, Row>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) warnings: Vec<String>,
}

impl Named {
    /// Finds the file of each row, also those that were left because of their ending, which are added to the scans and taken from `left`.
    ///
    /// # Errors
    /// [`Error::LabelsLine`] for two rows of one file with different labels; [`Error::NoRowMatches`] where no row has a file.
    pub(super) fn find(
        table: &Table,
        layout: &Layout,
        (train, test): (&mut Scan, &mut Scan),
        left: &mut Vec<Left>,
    ) -> Result<Self> {
        let others = add_named_files(table, layout, train, test);
        left.retain(|left| !others.contains(&left.path));
        let mut named = Self::default();
        let keys = || train.images.iter().chain(&test.images).filter(|found| found.is_utf8);
        let files = Files::new(&layout.data, keys().map(|found| found.key.as_str()));
        let keys: Vec<&Found> = keys().collect();
        let (mut repeated, mut without, mut loosely) = (Vec::new(), 0, Vec::new());
        for row in &table.rows {
            match files.find(&row.path) {
                Ok(index) => {
                    let key = &keys[index].key;
                    if *key != row.path {
                        loosely.push((row, key));
                    }
                    named.add(table, key, row, &mut repeated)?;
                }
                Err(problem) => {
                    let nearest = if without < LOOKED_FOR { files.nearest(&row.path) } else { Vec::new() };
                    without += 1;
                    let place = format!("line {} of the labels", row.line);
                    let reason = in_words(&place, &row.path, &problem, &nearest, &layout.data);
                    named.skipped.push(Skipped { path: row.path.clone(), reason });
                }
            }
        }
        if named.rows.is_empty()
            && let (Some(Skipped { path, reason }), Some(image)) = (named.skipped.first(), keys.first())
        {
            return Err(Error::NoRowMatches {
                file: table.csv.file.clone(),
                data: layout.data.clone(),
                row: path.clone(),
                image: image.key.clone(),
                reason: reason.clone(),
            });
        }
        if let Some(line) = repeated.first() {
            named.warnings.push(format!(
                "rows of the labels that repeat a path with the same label: {}, the first in line {line}",
                repeated.len()
            ));
        }
        // A path with `./` before it is the same path.
        loosely.retain(|(row, key)| !row.path.ends_with(key.as_str()));
        if let Some((row, key)) = loosely.first() {
            named.warnings.push(format!(
                "rows of the labels that write a path in another way than the file has it: {}, the first in line {}: {} is taken for {key}",
                loosely.len(),
                row.line,
                row.path
            ));
        }
        if without > 0 {
            let first = named.skipped.first();
            let (path, first) =
                first.map_or(("", ""), |skipped| (skipped.path.as_str(), skipped.reason.as_str()));
            named
                .warnings
                .push(format!("rows of the labels without an image: {without}, the first: {path}: {first}"));
        }
        Ok(named)
    }

    /// The row of the image with this key.
    pub(super) fn row(&self, key: &str) -> Option<&Row> {
        self.rows.get(key)
    }

    fn add(&mut self, table: &Table, key: &str, row: &Row, repeated: &mut Vec<u64>) -> Result<()> {
        match self.rows.get(key) {
            Some(before) if (&before.label, &before.truth) != (&row.label, &row.truth) => {
                let problem = format!(
                    "{key:?} has another label here than in line {}: keep the right one of the two",
                    before.line
                );
                return Err(table.error(row, problem));
            }
            Some(before) if before.part != row.part => {
                let problem = format!(
                    "{key:?} is in another part of the set here than in line {}: keep one of the two",
                    before.line
                );
                return Err(table.error(row, problem));
            }
            Some(_) => repeated.push(row.line),
            None => drop(self.rows.insert(key.to_owned(), row.clone())),
        }
        Ok(())
    }
}

/// Why the path at a place of a file means no image of the set in `data`.
pub(super) fn in_words(place: &str, path: &str, problem: &NoFile, nearest: &[&str], data: &Path) -> String {
    let quoted = |keys: &[String]| keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(", ");
    let nearest: Vec<String> = nearest.iter().map(|key| (*key).to_owned()).collect();
    let perhaps = if nearest.is_empty() { String::new() } else { format!("; nearest: {}", quoted(&nearest)) };
    match problem {
        NoFile::Absolute => {
            format!("{place}: the path {path:?} is absolute and not below the folder of the images{perhaps}")
        }
        NoFile::Leaves => {
            format!("{place}: the path {path:?} leaves the folder of the images by \"..\"{perhaps}")
        }
        NoFile::Empty => format!("{place}: the row has no path"),
        NoFile::Missing(key) if data.join(key).exists() => {
            format!("{place} names it, but it is in none of the folders used")
        }
        NoFile::Missing(_) => {
            format!("{place} names it, but there is no such file{perhaps}")
        }
        NoFile::Several(keys) => {
            format!("{place} names it, and several files can be meant: {}", quoted(keys))
        }
    }
}

/// Adds the files that rows name by their whole paths and the scan left out because of their ending. Returns their keys.
fn add_named_files(table: &Table, layout: &Layout, train: &mut Scan, test: &mut Scan) -> HashSet<String> {
    let mut added = HashSet::new();
    let known: HashSet<String> =
        train.images.iter().chain(&test.images).map(|found| found.key.clone()).collect();
    for row in &table.rows {
        let parts: Vec<&str> = row.path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        let key = parts.join("/");
        if row.path.starts_with('/') || parts.contains(&"..") || known.contains(&key) || added.contains(&key)
        {
            continue;
        }
        let file = layout.data.join(&key);
        if !file.is_file() {
            continue;
        }
        let is_below = |root: &&Root| key.starts_with(&root.prefix);
        if let Some(root) = layout.test.iter().find(is_below) {
            test.images.push(Found::at(root, key.clone(), file));
        } else if let Some(root) = layout.train.iter().find(is_below) {
            train.images.push(Found::at(root, key.clone(), file));
        } else {
            continue;
        }
        added.insert(key);
    }
    added
}
