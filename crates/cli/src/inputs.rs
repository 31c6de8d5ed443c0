//! The paths of images that a command line names.

use std::ffi::OsString;
use std::io::{self, BufRead};
use std::path::PathBuf;

use effmix::{NamedImages, left_in_words, limits, list_images};

use crate::failure::Failure;
use crate::output::tell;

/// The images that the paths name; `-` stands for a list of paths on stdin, one a line. Images of more than `max_pixels` are skipped when
/// they are read. What is left or can't be followed in folders is said.
pub(crate) fn named(paths: &[PathBuf], max_pixels: Option<u64>) -> Result<NamedImages, Failure> {
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
    let named = list_images(listed, limits(max_pixels))?;
    named.skipped.iter().for_each(|skipped| tell(&format!("warning: {}: {}", skipped.path, skipped.reason)));
    left_in_words(&named.left, None).iter().for_each(|left| tell(left));
    Ok(named)
}

fn listed_on_stdin() -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: io::Error| Failure::Other(format!("can't read the list of paths on stdin: {error}"));
    let lines = io::stdin().lock().split(b'\n').collect::<io::Result<Vec<Vec<u8>>>>().map_err(failed)?;
    let lines = lines.into_iter().map(|mut line| {
        line.pop_if(|last| *last == b'\r');
        line
    });
    Ok(lines.filter(|line| !line.is_empty()).map(|line| PathBuf::from(path_of(line))).collect())
}

/// A path as the system has it, which need not be UTF-8.
#[cfg(unix)]
fn path_of(line: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(line)
}

/// A path; what is not UTF-8 in it is replaced, so that there is no such file.
#[cfg(not(unix))]
fn path_of(line: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&line).into_owned().into()
}
