//! The files of the project, read for the rules.

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
}

impl File {
    pub(crate) fn is(&self, ending: &str) -> bool {
        self.path.ends_with(ending)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }

    /// Line numbers from one.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text().split('\n').enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The places of the lines that break a rule.
    pub(crate) fn places<'a>(
        &'a self,
        breaks: impl Fn(&str) -> bool + 'a,
    ) -> impl Iterator<Item = String> + 'a {
        self.lines()
            .filter(move |(_, line)| breaks(line))
            .map(|(number, _)| format!("{}:{number}", self.path))
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn files() -> Vec<File> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git is needed to know which files are the project's");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).expect("file names are UTF-8");
    names
        .split_terminator('\0')
        // A file that was removed and not yet committed is still listed.
        .filter_map(|path| {
            Some(File { path: path.to_owned(), bytes: std::fs::read(root().join(path)).ok()? })
        })
        .collect()
}

pub(crate) fn text_files() -> Vec<File> {
    files().into_iter().filter(|file| std::str::from_utf8(&file.bytes).is_ok()).collect()
}

/// Source text of our own in Rust.
pub(crate) fn rust_files() -> Vec<File> {
    text_files().into_iter().filter(|file| file.is(".rs")).collect()
}

/// Fails with every place that breaks a rule.
#[track_caller]
pub(crate) fn none(rule: &str, places: impl IntoIterator<Item = String>) {
    let places: Vec<String> = places.into_iter().collect();
    assert!(places.is_empty(), "{rule}:\n  {}", places.join("\n  "));
}
