//! Which images a command is about.

use std::path::{Path, PathBuf};
use std::{fs, io};

use image_folder::{ENDINGS, Pixels, Sample, has_image_ending};

use crate::exit::Failure;

/// The images that paths mean: files themselves, folders all images below them by name, `-` what stdin lists, a path a line. The
/// order is the paths'.
pub(crate) fn named(paths: &[PathBuf]) -> Result<Vec<Sample>, Failure> {
    let mut files = Vec::new();
    let mut listed = Vec::new();
    for path in paths {
        match path.as_os_str() == "-" {
            true => listed.extend(listed_on_stdin()?),
            false => listed.push(path.clone()),
        }
    }
    if listed.is_empty() {
        return Err(Failure::Other("stdin lists no paths".to_owned()));
    }
    for path in &listed {
        if path.is_dir() {
            let before = files.len();
            below(path, &mut files)?;
            if files.len() == before {
                return Err(Failure::Other(format!(
                    "{}: no images in it ({})",
                    path.display(),
                    ENDINGS.join(", ")
                )));
            }
        } else {
            files.push(path.clone());
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

fn listed_on_stdin() -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: io::Error| Failure::Other(format!("can't read the list of paths on stdin: {error}"));
    let lines = io::stdin().lines().collect::<io::Result<Vec<String>>>().map_err(failed)?;
    Ok(lines.into_iter().filter(|line| !line.is_empty()).map(PathBuf::from).collect())
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |e: io::Error| Failure::Other(format!("can't read {}: {e}", folder.display()));
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let mut paths =
        entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>().map_err(unreadable)?;
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
