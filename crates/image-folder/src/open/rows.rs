//! A set in Parquet: a file, or a folder with files such as `train-00000-of-00001.parquet`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};

use super::ending::has_image_ending;
use super::layout::Scanned;
use super::litter::is_litter;
use super::options::{OpenOptions, TestSplit};
use super::part::Part;
use super::scan::{Found, Scan, Source};
use crate::parquet::ParquetImages;
use crate::{Error, Result};

/// What a Parquet file begins with.
const START: &[u8; 4] = b"PAR1";

/// A file of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shard {
    file: PathBuf,
    /// The beginning of the keys of its rows.
    key: String,
    /// The part of the set that its name, or a folder's, speaks of.
    part: Option<Part>,
}

/// Whether `data` is a Parquet file, or a folder that holds such files and no images.
pub(super) fn is_parquet(data: &Path) -> bool {
    !shards(data, None).is_empty()
}

/// All rows of a set in Parquet, with their labels; `None` where `data` is none.
///
/// # Errors
/// [`Error::Parquet`] for a file that can't be used.
pub(super) fn scan(data: &Path, options: &OpenOptions) -> Result<Option<Scanned>> {
    let all = shards(data, options.is_output);
    if all.is_empty() {
        return Ok(None);
    }
    let mut warnings = Vec::new();
    let (train, test) = match &options.test {
        TestSplit::None => (all, Vec::new()),
        TestSplit::Dir(folder) => {
            let test = shards(folder, options.is_output);
            if test.is_empty() {
                let problem = "holds no Parquet, as the set does: give the test images as a Parquet file, or a folder of such files";
                return Err(Error::Parquet { path: folder.clone(), problem: problem.to_owned() });
            }
            let train =
                all.into_iter().filter(|shard| !test.iter().any(|of_test| of_test.file == shard.file));
            (by_part(train.collect(), &mut Vec::new()).0, test)
        }
        TestSplit::Folders | TestSplit::Fraction(_) => by_part(all, &mut warnings),
    };
    let is_split = !test.is_empty();
    let (train, test) = (rows(&train, options)?, rows(&test, options)?);
    Ok(Some(Scanned { train, test, is_split, warnings }))
}

/// The files to train on and those to test on, by their names. Where no name speaks of training, all are trained on.
fn by_part(all: Vec<Shard>, warnings: &mut Vec<String>) -> (Vec<Shard>, Vec<Shard>) {
    let is_held_out = |shard: &Shard| matches!(shard.part, Some(Part::Test | Part::Validation));
    if all.iter().all(is_held_out) {
        return (all, Vec::new());
    }
    let (held_out, train): (Vec<Shard>, Vec<Shard>) = all.into_iter().partition(is_held_out);
    let (test, validation): (Vec<Shard>, Vec<Shard>) =
        held_out.into_iter().partition(|shard| shard.part == Some(Part::Test));
    match (test.is_empty(), validation.first()) {
        (true, _) => (train, validation),
        (false, first) => {
            if let Some(first) = first {
                let count = validation.len();
                warnings.push(format!(
                    "files for validation are left out, since there are others for testing: {count}, the first: {}",
                    first.key
                ));
            }
            (train, test)
        }
    }
}

/// The Parquet files of a set, by name, but for those among a program's own results; none where the set holds images.
fn shards(data: &Path, is_output: Option<fn(&Path) -> bool>) -> Vec<Shard> {
    let key = |file: &Path| {
        let below = file.strip_prefix(data).ok().filter(|below| !below.as_os_str().is_empty());
        let below = below.or(file.file_name().map(Path::new)).unwrap_or(file);
        let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        parts.join("/")
    };
    if data.is_file() {
        let is_one = has_parquet_ending(data) || begins_as_parquet(data);
        let shard = || Shard { file: data.to_owned(), key: key(data), part: None };
        return is_one.then(shard).into_iter().collect();
    }
    let is_seen = |entry: &DirEntry| {
        let name = entry.file_name().to_str();
        let is_named = name.is_some_and(|name| !name.starts_with('.') && !is_litter(name));
        let is_result = entry.file_type().is_dir() && is_output.is_some_and(|test| test(entry.path()));
        entry.depth() == 0 || (is_named && !is_result)
    };
    let walk = WalkDir::new(data).follow_links(true).sort_by_file_name().into_iter().filter_entry(is_seen);
    let mut shards = Vec::new();
    for entry in walk.flatten().filter(|entry| entry.file_type().is_file()) {
        if has_image_ending(entry.path()) {
            return Vec::new();
        }
        if has_parquet_ending(entry.path()) {
            let key = key(entry.path());
            let part = key.rsplit('/').find_map(Part::spoken_of);
            shards.push(Shard { file: entry.into_path(), key, part });
        }
    }
    shards
}

fn has_parquet_ending(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"))
}

fn begins_as_parquet(file: &Path) -> bool {
    let mut start = [0; START.len()];
    File::open(file).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *START
}

/// The rows of some files. A row's key is its file's and its number, which has as many digits for all rows of a file.
fn rows(shards: &[Shard], options: &OpenOptions) -> Result<Scan> {
    let mut scan = Scan::default();
    for Shard { file, key, .. } in shards {
        let opened = ParquetImages::open(file, options.label_column.as_deref());
        let (table, labels) = opened.map_err(|problem| Error::Parquet { path: file.clone(), problem })?;
        let (table, digits) = (Arc::new(table), labels.len().saturating_sub(1).to_string().len());
        scan.images.extend(labels.into_iter().enumerate().map(|(row, label)| Found {
            key: format!("{key}/{row:0digits$}"),
            source: Source::Row(Arc::clone(&table), row),
            folder: None,
            inner: 0,
            label,
            is_utf8: true,
        }));
    }
    Ok(scan)
}
