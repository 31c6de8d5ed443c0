//! The images that paths name.

use std::path::{Path, PathBuf};
use std::{fs, io};

use image_folder::{ENDINGS, Pixels, Sample, has_image_ending};

use crate::{Error, Result};

/// The images that `paths` name, in their order: a file is itself, a folder is all images below it, sorted by name. The label of
/// every sample is 0.
///
/// # Errors
/// [`Error::Data`] for a folder without images; [`Error::Io`] for one that can't be read. A file that can't be read is no error here.
pub fn list_images<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Vec<Sample>> {
    let mut files = Vec::new();
    for path in paths {
        let path = path.as_ref();
        if path.is_dir() {
            let before = files.len();
            below(path, &mut files)?;
            if files.len() == before {
                let (path, endings) = (path.display(), ENDINGS.join(", "));
                return Err(Error::Data(format!("{path}: no images in it ({endings})")));
            }
        } else {
            files.push(path.to_owned());
        }
    }
    let sample = |file: PathBuf| Sample {
        path: file.to_string_lossy().into_owned(),
        source: Pixels::File(file),
        label: 0,
        truth: None,
    };
    Ok(files.into_iter().map(sample).collect())
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(Error::io("can't read", folder))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    let mut paths = paths.map_err(Error::io("can't read", folder))?;
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        if path.is_dir() {
            below(&path, files)?;
        } else if has_image_ending(&path) {
            files.push(path);
        }
    }
    Ok(())
}
