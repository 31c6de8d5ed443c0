//! The run folders that a user means.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run::RunFolder;
use crate::{Error, Result};

/// How deep below a named folder runs are looked for.
const DEPTH: usize = 8;

/// The run folders at these paths and below them, by path below each. A folder that is named twice is there once.
pub(super) fn runs(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut known = HashSet::new();
    for path in paths {
        let mut below = Vec::new();
        look(path, DEPTH, &mut below)?;
        if below.is_empty() {
            let problem = "is no run folder, and there is none below it: a run folder has a config.toml that effmix wrote";
            return Err(Error::Format { path: path.clone(), problem: problem.to_owned() });
        }
        below.retain(|run| known.insert(run.canonicalize().unwrap_or_else(|_| run.clone())));
        found.append(&mut below);
    }
    Ok(found)
}

fn look(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    // One that can't be read is a run all the same: it is among those that are left out, with the reason.
    if is_run(folder) {
        found.push(folder.to_owned());
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    let entries = fs::read_dir(folder).map_err(Error::io("can't read", folder))?;
    let mut below: Vec<PathBuf> = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("can't read", folder))?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // Links are not followed: they may lead back.
        if !hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            below.push(entry.path());
        }
    }
    below.sort();
    below.iter().try_for_each(|folder| look(folder, depth - 1, found))
}

/// Whether a run's configuration is there, whole or cut off.
fn is_run(folder: &Path) -> bool {
    match RunFolder::open(folder) {
        Ok(_) => true,
        Err(_) => fs::read_to_string(folder.join("config.toml"))
            .is_ok_and(|text| text.lines().any(|line| line.trim() == "program = \"effmix\"")),
    }
}
