//! The paths of images that a command line names.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use effmix::list_images;
use image_folder::Sample;

use crate::failure::Failure;

/// The images that the paths name; `-` stands for a list of paths on stdin, one a line.
pub(crate) fn named(paths: &[PathBuf]) -> Result<Arc<[Sample]>, Failure> {
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
    Ok(Arc::from(list_images(listed)?))
}

fn listed_on_stdin() -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: io::Error| Failure::Other(format!("can't read the list of paths on stdin: {error}"));
    let lines = io::stdin().lines().collect::<io::Result<Vec<String>>>().map_err(failed)?;
    Ok(lines.into_iter().filter(|line| !line.is_empty()).map(PathBuf::from).collect())
}
