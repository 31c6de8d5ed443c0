//! Python environments of the project's own, below the build folder, with pinned packages.

use crate::shell::Shell;
use crate::workspace::Workspace;
use anyhow::{Result, ensure};
use std::path::PathBuf;

/// The Python of the environment `name`, made where it is not there, with the packages that `requirements` pins (a path
/// relative to the root).
///
/// # Errors
/// No `python3` with its `venv` module, or pip cannot install the packages.
pub(crate) fn environment(workspace: &Workspace, name: &str, requirements: &str) -> Result<PathBuf> {
    let folder = workspace.target.join(name);
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.exists() {
        let made = Shell::new(&workspace.root, "python3").words("-m venv").arg(&folder).succeeds()?;
        ensure!(made, "python3 with its venv module is needed");
    }
    let installed = Shell::new(&workspace.root, &python)
        .words("-m pip install --quiet --requirement")
        .arg(workspace.root.join(requirements))
        .succeeds()?;
    ensure!(installed, "pip could not install the packages of {requirements}");
    Ok(python)
}
