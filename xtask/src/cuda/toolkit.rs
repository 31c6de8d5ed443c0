//! NVIDIA's compiler and libraries from PyPI, in exactly the versions of xtask/cuda/requirements.txt.
//!
//! pip installs into a folder beside the final one, which is renamed when it is whole: a failed or interrupted download leaves
//! what was there before.

use crate::shell::Shell;
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

const PINNED: &str = include_str!("../../cuda/requirements.txt");

/// The file in the folder that says which versions it holds. It is written last.
const VERSIONS: &str = "versions.txt";

/// Where the packages put everything, below the folder that pip installs into.
const HOME: &str = "nvidia/cu13";

/// Returns the toolkit's home in `folder`, after a download where `folder` doesn't hold the pinned versions.
pub(super) fn install(root: &Path, folder: &Path) -> Result<PathBuf> {
    ensure_installed(folder, PINNED, |partial| {
        // Only the named packages: what these would ask for besides is named too, or not needed.
        let done = Shell::new(root, "python3")
            .words("-m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-deps --requirement")
            .arg(root.join("xtask/cuda/requirements.txt"))
            .arg("--target")
            .arg(partial)
            .succeeds()?;
        ensure!(done, "pip could not install the packages of xtask/cuda/requirements.txt");
        complete(&partial.join(HOME))
    })?;
    Ok(folder.join(HOME))
}

/// Fills `folder` by `download`, unless it holds the versions `wanted` already.
fn ensure_installed(folder: &Path, wanted: &str, download: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let held = fs::read_to_string(folder.join(VERSIONS)).ok();
    if held.as_deref() == Some(wanted) {
        return Ok(());
    }
    let is_free = !folder.exists() || fs::read_dir(folder)?.next().is_none();
    ensure!(
        held.is_some() || is_free,
        "{} holds something else than a toolkit of cuda-setup; name another folder with --to",
        folder.display()
    );
    let name = folder.file_name().with_context(|| format!("{} is no name of a folder", folder.display()))?;
    let partial = folder.with_file_name(format!("{}.partial", name.to_string_lossy()));
    remove(&partial)?;
    fs::create_dir_all(&partial).with_context(|| partial.display().to_string())?;
    let done = download(&partial).and_then(|()| Ok(fs::write(partial.join(VERSIONS), wanted)?));
    if let Err(error) = done {
        remove(&partial)?;
        return Err(error);
    }
    remove(folder)?;
    fs::rename(&partial, folder).with_context(|| folder.display().to_string())
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    Ok(())
}

/// Adds what NVIDIA's own installer has and its packages lack: names of libraries without a version, which the linker looks
/// for, and the folder `lib64`, which build scripts look for.
fn complete(home: &Path) -> Result<()> {
    let libraries = home.join("lib");
    fs::create_dir_all(home.join("lib64"))?;
    for entry in fs::read_dir(&libraries).with_context(|| libraries.display().to_string())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some((plain, _)) = name.split_once(".so.") {
            link(&name, &libraries.join(format!("{plain}.so")))?;
        }
    }
    Ok(())
}

/// Makes the link `at`, which leads to the file `name` beside it.
#[cfg(unix)]
pub(super) fn link(name: &str, at: &Path) -> Result<()> {
    if fs::symlink_metadata(at).is_ok() {
        fs::remove_file(at)?;
    }
    std::os::unix::fs::symlink(name, at).with_context(|| at.display().to_string())
}

/// Other systems are refused before anything is installed.
#[cfg(not(unix))]
pub(super) fn link(_: &str, at: &Path) -> Result<()> {
    anyhow::bail!("{}: no links on this system", at.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn download(folder: &Path) -> Result<()> {
        Ok(fs::write(folder.join("nvcc"), "a compiler")?)
    }

    fn no_download(_: &Path) -> Result<()> {
        anyhow::bail!("no network")
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_toolkit_of_the_pinned_versions_is_not_downloaded_again() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("below/toolkit/");
        ensure_installed(&folder, "nvcc 1", download).unwrap();
        ensure_installed(&folder, "nvcc 1", no_download).unwrap();
        assert_eq!(names(&folder), ["nvcc", VERSIONS]);
        assert_eq!(names(&scratch.path().join("below")), ["toolkit"]);
    }

    #[test]
    fn a_failed_download_leaves_what_was_there_before() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("toolkit");
        let failed = |wanted| ensure_installed(&folder, wanted, no_download).unwrap_err().to_string();
        assert_eq!(failed("nvcc 1"), "no network");
        assert!(names(scratch.path()).is_empty());

        ensure_installed(&folder, "nvcc 1", download).unwrap();
        assert_eq!(failed("nvcc 2"), "no network");
        assert_eq!(names(scratch.path()), ["toolkit"]);
        ensure_installed(&folder, "nvcc 1", no_download).unwrap();
    }

    #[test]
    fn another_version_is_replaced_whole() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("toolkit");
        ensure_installed(&folder, "nvcc 1", download).unwrap();
        ensure_installed(&folder, "nvcc 2", |partial| Ok(fs::write(partial.join("nvcc2"), "")?)).unwrap();
        assert_eq!(names(&folder), ["nvcc2", VERSIONS]);
    }

    #[test]
    fn a_folder_with_other_files_is_left_alone() {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join("thesis.txt"), "").unwrap();
        let error = ensure_installed(scratch.path(), "nvcc 1", download).unwrap_err().to_string();
        assert!(error.contains("--to"), "{error}");
        assert_eq!(names(scratch.path()), ["thesis.txt"]);
    }

    #[test]
    fn every_package_is_pinned_to_one_version() {
        let packages: Vec<&str> = PINNED.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(!packages.is_empty());
        for package in packages {
            assert!(package.contains("==") && !package.contains('*'), "{package}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn libraries_get_the_names_that_the_linker_looks_for() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("lib")).unwrap();
        for name in ["libcublas.so.13", "libcudart_static.a"] {
            fs::write(home.path().join("lib").join(name), "").unwrap();
        }
        complete(home.path()).unwrap();
        assert_eq!(names(home.path()), ["lib", "lib64"]);
        assert_eq!(
            names(&home.path().join("lib")),
            ["libcublas.so", "libcublas.so.13", "libcudart_static.a"]
        );
    }
}
