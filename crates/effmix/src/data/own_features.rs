//! Features of one's own: a table with a row for each image, in place of what a network of this program computes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::Device;
use image_folder::{ImageFolder, Sample, Skipped};

use super::features::Features;
use super::table::Table;
use crate::files::read_to_string;
use crate::settings::OwnFeatures;
use crate::{Error, Result};

/// The row of each image of a set, if it has one.
type RowOfEach = Vec<Option<usize>>;

/// Why an image takes no part.
const NO_ROW: &str = "the features have no row for it";

impl OwnFeatures<'_> {
    /// The features of the training images and of the held-out ones. Images without a row leave the set.
    ///
    /// # Errors
    /// A file that can't be read or is no such table; tables of other widths or lengths; a path that is there twice or means no image; a
    /// number that is not finite.
    pub(crate) fn of(&self, folder: &mut ImageFolder, device: &Device) -> Result<[Features; 2]> {
        let table = Table::of_npy(self.features)?;
        let (of_train, of_test) = match self.paths {
            Some(paths) => self.by_path(&table, paths, folder)?,
            None if self.test.is_some() => (self.in_order(&table, &folder.train)?, Vec::new()),
            None => self.all_in_order(&table, folder)?,
        };
        let (test_table, of_test) = match self.test {
            None => (Table::of_npy(self.features)?, of_test),
            Some(test) => {
                let table_of_test = Table::of_npy(test)?;
                if table_of_test.length != table.length {
                    let problem = format!(
                        "has {} features an image, and {} has {}; both must be of one network",
                        table_of_test.length,
                        self.features.display(),
                        table.length
                    );
                    return Err(format_error(test, problem));
                }
                let rows = OwnFeatures { features: test, ..*self }.in_order(&table_of_test, &folder.test)?;
                (table_of_test, rows)
            }
        };
        let file_of_test = self.test.unwrap_or(self.features);
        let train = with_rows(table, of_train, &mut folder.train, &mut folder.skipped);
        let test = with_rows(test_table, of_test, &mut folder.test, &mut folder.skipped);
        check_finite(&train, self.features, &folder.train)?;
        check_finite(&test, file_of_test, &folder.test)?;
        Ok([train, test].map(|table| Features::of_table(table, device)))
    }

    /// The row of each image where the rows are those of all images, sorted by path.
    fn all_in_order(&self, table: &Table, folder: &ImageFolder) -> Result<(RowOfEach, RowOfEach)> {
        let (train, test) = (folder.train.len(), folder.test.len());
        self.check_rows(table, train + test)?;
        let all = folder.train.iter().chain(&folder.test);
        let mut order: Vec<(&str, usize)> = all.map(|sample| sample.path.as_str()).zip(0..).collect();
        order.sort_unstable();
        let mut rows = vec![None; train + test];
        order.iter().enumerate().for_each(|(row, (_, image))| rows[*image] = Some(row));
        let of_test = rows.split_off(train);
        Ok((rows, of_test))
    }

    /// The row of each image where the rows are those of a set, which is sorted by path.
    fn in_order(&self, table: &Table, samples: &[Sample]) -> Result<RowOfEach> {
        self.check_rows(table, samples.len())?;
        Ok((0..samples.len()).map(Some).collect())
    }

    fn check_rows(&self, table: &Table, images: usize) -> Result<()> {
        if table.rows == images {
            return Ok(());
        }
        let rows = table.rows;
        let problem = format!(
            "has {rows} rows for {images} images; say which image each row is of, with --features-paths"
        );
        Err(format_error(self.features, problem))
    }

    /// The row of each image by a list of paths, which may have more rows than there are images.
    fn by_path(&self, table: &Table, file: &Path, folder: &ImageFolder) -> Result<(RowOfEach, RowOfEach)> {
        let paths = listed(file)?;
        if paths.len() != table.rows {
            let rows = table.rows;
            let problem = format!(
                "lists {} paths, and {} has {rows} rows; list the image of each row, a line each",
                paths.len(),
                self.features.display()
            );
            return Err(format_error(file, problem));
        }
        let below = self.data.map(|data| data.to_string_lossy().replace('\\', "/"));
        let mut row_of: HashMap<&str, usize> = HashMap::new();
        for (row, path) in paths.iter().enumerate() {
            let relative = below.as_deref().and_then(|data| path.strip_prefix(data)?.strip_prefix('/'));
            let relative = relative.unwrap_or(path.strip_prefix("./").unwrap_or(path));
            if let Some(first) = row_of.insert(relative, row) {
                let problem = format!("{path} is there twice, in rows {} and {}", first + 1, row + 1);
                return Err(format_error(file, problem));
            }
        }
        let rows = |samples: &[Sample]| -> RowOfEach {
            samples.iter().map(|sample| row_of.get(sample.path.as_str()).copied()).collect()
        };
        let (train, test) = (rows(&folder.train), rows(&folder.test));
        if train.iter().all(Option::is_none) {
            let first = folder.train.first().map_or("", |sample| &sample.path);
            let problem = format!(
                "lists none of the images, of which the first is {first}; paths are relative to DATA, as there"
            );
            return Err(format_error(file, problem));
        }
        Ok((train, test))
    }
}

/// A table with the rows of those samples that have one, which are the samples that stay.
fn with_rows(
    mut table: Table,
    rows: RowOfEach,
    samples: &mut Vec<Sample>,
    skipped: &mut Vec<Skipped>,
) -> Table {
    let mut kept = Vec::with_capacity(samples.len());
    let mut order = Vec::with_capacity(samples.len());
    for (sample, row) in std::mem::take(samples).into_iter().zip(rows) {
        match row {
            Some(row) => {
                kept.push(sample);
                order.push(row);
            }
            None => skipped.push(Skipped { path: sample.path, reason: NO_ROW.to_owned() }),
        }
    }
    *samples = kept;
    table.order = Some(order);
    table
}

fn check_finite(table: &Table, file: &Path, samples: &[Sample]) -> Result<()> {
    for (number, sample) in samples.iter().enumerate() {
        if let Some(value) = table.row(number, 0).find(|value| !value.is_finite()) {
            let problem =
                format!("the features of {} hold {value}; every number must be finite", sample.path);
            return Err(format_error(file, problem));
        }
    }
    Ok(())
}

/// The paths in a list, a line each, or in the column `path` of a CSV.
fn listed(file: &Path) -> Result<Vec<String>> {
    let text = read_to_string(file)?;
    let first = text.lines().next().unwrap_or_default();
    if first != "path" && !first.starts_with("path,") {
        return Ok(text
            .lines()
            .map(|line| line.trim_end().to_owned())
            .filter(|line| !line.is_empty())
            .collect());
    }
    let wrong = |e: csv::Error| format_error(file, e.to_string());
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    csv.records().map(|row| Ok(row.map_err(wrong)?.get(0).unwrap_or_default().to_owned())).collect()
}

fn format_error(path: &Path, problem: String) -> Error {
    Error::Format { path: PathBuf::from(path), problem }
}
