//! The images that paths name.

use std::path::{Path, PathBuf};

use image_folder::{ENDINGS, Left, Limits, Pixels, Sample, Skipped, list};

use crate::{Error, Result};

/// The images that paths name, in the order of the paths.
#[derive(Debug, Clone, Default)]
pub struct NamedImages {
    /// The images. Their label is 0.
    pub samples: Vec<Sample>,
    /// What is left in folders without a look at its content.
    pub left: Vec<Left>,
    /// Links and folders below that can't be read or followed.
    pub skipped: Vec<Skipped>,
}

/// The images that `paths` name, in their order: a file is itself, a folder is all images below it, as a folder to train on has them.
/// `limits` says how large an image may be.
///
/// # Errors
/// [`Error::Data`] for a folder without images; [`Error::Images`] for one that can't be read. A file that can't be read is no error here.
pub fn list_images<P: AsRef<Path>>(
    paths: impl IntoIterator<Item = P>,
    limits: Limits,
) -> Result<NamedImages> {
    let mut named = NamedImages::default();
    let sample = |path: PathBuf| Sample {
        path: path.to_string_lossy().into_owned(),
        source: Pixels::File { path, limits },
        label: 0,
        truth: None,
    };
    for path in paths {
        let path = path.as_ref();
        if !path.is_dir() {
            named.samples.push(sample(path.to_owned()));
            continue;
        }
        let mut listed = list(path)?;
        if listed.files.is_empty() {
            let left = Left::counts(&listed.left);
            let left = if left.is_empty() { String::new() } else { format!("; left: {left}") };
            let (path, endings) = (path.display(), ENDINGS.join(", "));
            return Err(Error::Data(format!("{path}: no images in it ({endings}){left}")));
        }
        named.samples.extend(listed.files.into_iter().map(sample));
        named.left.append(&mut listed.left);
        named.skipped.append(&mut listed.skipped);
    }
    Ok(named)
}
