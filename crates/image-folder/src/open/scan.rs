//! The image files below a folder.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::ending::has_image_ending;
use super::root::Root;
use crate::{Error, Result, Skipped};

/// A file with an image's ending.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) key: String,
    pub(super) file: PathBuf,
    /// The first folder of its path, which may be its class.
    pub(super) folder: Option<String>,
}

/// Everything below one or more folders.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) images: Vec<Found>,
    /// The names of the folders directly below, also of those without images.
    pub(super) folders: BTreeSet<String>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) hidden: usize,
    pub(super) other_files: usize,
}

/// Adds everything below `root` to `scan`, except the folder `apart`.
///
/// Links are followed, but each linked folder once, and no link to a folder above it, so that the scan ends with any
/// links.
pub(super) fn scan(root: &Root, apart: Option<&Path>, scan: &mut Scan) -> Result<()> {
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
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            scan.hidden += 1;
            if entry.file_type().is_dir() {
                walk.skip_current_dir();
            }
        } else if entry.file_type().is_dir() {
            let real = real_path(&entry, apart);
            if real.is_some() && real.as_deref() == apart {
                walk.skip_current_dir();
            } else if let Some(real) = real
                && entry.path_is_symlink()
                && !linked.insert(real)
            {
                walk.skip_current_dir();
                scan.skipped.push(Skipped {
                    path: shown(root, entry.path()),
                    reason: "another link leads to the same folder".to_owned(),
                });
            } else if entry.depth() == 1
                && let Some(name) = entry.file_name().to_str()
            {
                scan.folders.insert(name.to_owned());
            }
        } else if entry.file_type().is_file() && has_image_ending(entry.path()) {
            add(root, entry, scan);
        } else {
            scan.other_files += 1;
        }
    }
    Ok(())
}

fn add(root: &Root, entry: DirEntry, scan: &mut Scan) {
    let file = entry.into_path();
    let relative = file.strip_prefix(&root.folder).unwrap_or(&file);
    match key(&root.prefix, relative) {
        Some(key) => {
            let folder = key[root.prefix.len()..].split_once('/').map(|(first, _)| first.to_owned());
            scan.images.push(Found { key, file, folder });
        }
        None => scan.skipped.push(Skipped {
            path: shown(root, &file),
            reason: "its path is not UTF-8: rename it".to_owned(),
        }),
    }
}

/// The key of a file: its path with `/` between its parts; `None` where it is not UTF-8.
fn key(prefix: &str, relative: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = relative.components().map(|part| part.as_os_str().to_str()).collect();
    Some(prefix.to_owned() + &parts?.join("/"))
}

/// The real path of a folder, where it is needed: where a folder is to be left out, or this one is reached by a link.
fn real_path(entry: &DirEntry, apart: Option<&Path>) -> Option<PathBuf> {
    if apart.is_some() || entry.path_is_symlink() { fs::canonicalize(entry.path()).ok() } else { None }
}

/// The path in the form of a key, for messages.
fn shown(root: &Root, path: &Path) -> String {
    let relative = path.strip_prefix(&root.folder).unwrap_or(path);
    format!("{}{}", root.prefix, relative.to_string_lossy())
}

fn unreadable(root: &Root, error: &walkdir::Error) -> Skipped {
    let reason = match (error.loop_ancestor(), error.io_error()) {
        (Some(_), _) => "a link to a folder above it, which is not followed".to_owned(),
        (None, Some(error)) => format!("can't be read: {error}"),
        (None, None) => "can't be read".to_owned(),
    };
    Skipped { path: shown(root, error.path().unwrap_or(&root.folder)), reason }
}
