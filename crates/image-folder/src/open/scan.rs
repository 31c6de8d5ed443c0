//! The image files below a folder.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};

use super::ending::has_image_ending;
use super::litter::is_litter;
use super::root::Root;
use crate::{Error, Left, LeftKind, ParquetImages, Result, Skipped};

/// Where an image is.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// In a file.
    File(PathBuf),
    /// In a row of a Parquet file.
    Row(Arc<ParquetImages>, usize),
}

impl Source {
    /// The file, unless it is that of many images.
    pub(super) fn into_file(self) -> Option<PathBuf> {
        match self {
            Self::File(file) => Some(file),
            Self::Row(..) => None,
        }
    }
}

/// A file with an image's ending, or a row with an image.
#[derive(Debug)]
pub(super) struct Found {
    /// The path as a key: with `/` between its parts. What is not UTF-8 in it is replaced.
    pub(super) key: String,
    pub(super) source: Source,
    /// The first folder of its path, which may be its class.
    pub(super) folder: Option<String>,
    /// Where in the key the path below that folder begins.
    pub(super) inner: usize,
    /// The label that its own table gives it.
    pub(super) label: Option<String>,
    /// Whether the key is the path, or differs from it because the path is not UTF-8.
    pub(super) is_utf8: bool,
}

/// Everything below one or more folders.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) images: Vec<Found>,
    /// The names of the folders directly below, also of those without images.
    pub(super) folders: BTreeSet<String>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) left: Vec<Left>,
}

/// What is not entered, whatever it holds.
#[derive(Clone, Copy, Default)]
pub(super) struct Apart<'a> {
    /// A folder, by its real path.
    pub(super) folder: Option<&'a Path>,
    /// Whether a folder below is one of a program's results.
    pub(super) is_output: Option<fn(&Path) -> bool>,
}

/// Adds everything below `root` to `scan`, but for what is apart.
///
/// Links are followed, but each linked folder once, and no link to a folder above it, so that the scan ends with any
/// links.
pub(super) fn scan(root: &Root, apart: Apart<'_>, scan: &mut Scan) -> Result<()> {
    let mut linked = HashSet::new();
    let mut walk = WalkDir::new(&root.folder).follow_links(true).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == 0 => {
                return Err(Error::io(&root.folder, "reading the folder of images", error.into()));
            }
            Err(error) => {
                scan.skipped.push(unreadable(root, &error));
                continue;
            }
        };
        if entry.depth() == 0 {
            continue;
        }
        if let Some(kind) = left(&entry, apart) {
            scan.left.push(Left { path: shown(root, entry.path()), kind });
            if entry.file_type().is_dir() {
                walk.skip_current_dir();
            }
        } else if entry.file_type().is_file() {
            add(root, entry, scan);
        } else if !enters(root, &entry, apart, &mut linked, scan) {
            walk.skip_current_dir();
        }
    }
    Ok(())
}

/// Why a file or folder is left without a look at its content; `None` where it is looked at.
fn left(entry: &DirEntry, apart: Apart<'_>) -> Option<LeftKind> {
    let (name, kind) = (entry.file_name(), entry.file_type());
    if name.as_encoded_bytes().starts_with(b".") {
        return Some(LeftKind::Hidden);
    }
    if kind.is_dir() {
        let is_output = || apart.is_output.is_some_and(|test| test(entry.path()));
        return match name.to_str() {
            Some(name) if is_litter(name) => Some(LeftKind::Litter),
            _ => is_output().then_some(LeftKind::Output),
        };
    }
    LeftKind::special(kind)
        .or_else(|| (!has_image_ending(entry.path())).then(|| LeftKind::by_ending(entry.path())))
}

/// Whether the scan goes into a folder.
fn enters(
    root: &Root,
    entry: &DirEntry,
    apart: Apart<'_>,
    linked: &mut HashSet<PathBuf>,
    scan: &mut Scan,
) -> bool {
    let real = real_path(entry, apart.folder);
    if real.is_some() && real.as_deref() == apart.folder {
        return false;
    }
    if let Some(real) = real
        && entry.path_is_symlink()
        && !linked.insert(real)
    {
        let reason = "another link leads to the same folder".to_owned();
        scan.skipped.push(Skipped { path: shown(root, entry.path()), reason });
        return false;
    }
    if entry.depth() == 1
        && let Some(name) = entry.file_name().to_str()
    {
        scan.folders.insert(name.to_owned());
    }
    true
}

fn add(root: &Root, entry: DirEntry, scan: &mut Scan) {
    let file = entry.into_path();
    let is_utf8 = file.strip_prefix(&root.folder).unwrap_or(&file).to_str().is_some();
    let key = shown(root, &file);
    scan.images.push(Found { is_utf8, ..Found::at(root, key, file) });
}

impl Found {
    /// A file below `root` whose path is UTF-8.
    pub(super) fn at(root: &Root, key: String, file: PathBuf) -> Self {
        let start = root.prefix.len();
        let folder = key[start..].split_once('/').map(|(first, _)| first.to_owned());
        let inner = start + folder.as_ref().map_or(0, |folder| folder.len() + 1);
        Self { key, source: Source::File(file), folder, inner, label: None, is_utf8: true }
    }
}

/// The real path of a folder, where it is needed: where a folder is to be left out, or this one is reached by a link.
fn real_path(entry: &DirEntry, apart: Option<&Path>) -> Option<PathBuf> {
    if apart.is_some() || entry.path_is_symlink() { fs::canonicalize(entry.path()).ok() } else { None }
}

/// The path as a key: below its root, with `/` between its parts.
fn shown(root: &Root, path: &Path) -> String {
    let relative = path.strip_prefix(&root.folder).unwrap_or(path);
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    root.prefix.clone() + &parts.join("/")
}

fn unreadable(root: &Root, error: &walkdir::Error) -> Skipped {
    let reason = match (error.loop_ancestor(), error.io_error()) {
        (Some(_), _) => "a link to a folder above it, which is not followed".to_owned(),
        (None, Some(error)) => format!("can't be read: {error}"),
        (None, None) => "can't be read".to_owned(),
    };
    Skipped { path: shown(root, error.path().unwrap_or(&root.folder)), reason }
}
