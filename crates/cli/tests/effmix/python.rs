//! A Python with other people's libraries (`requirements.txt`), which read what the program writes.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::path::PathBuf;
use std::process::Command;

use super::setup::Folder;

/// A Python that has a library.
pub(crate) struct Python(PathBuf);

impl Python {
    /// The one that `EFFMIX_PYTHON` names, if it has `library`. Else this says that `test` is skipped.
    pub(crate) fn with(library: &str, test: &str) -> Option<Self> {
        let python = std::env::var_os("EFFMIX_PYTHON").map(PathBuf::from);
        let has = |python: &PathBuf| {
            let import = Command::new(python).args(["-c", &format!("import {library}")]).output();
            import.is_ok_and(|output| output.status.success())
        };
        let found = python.filter(has).map(Self);
        if found.is_none() {
            println!("skipped: {test}: needs a Python that has {library} (set EFFMIX_PYTHON)");
        }
        found
    }

    /// Runs a script in the folder, with no net and no cache of the user's. It must succeed. Gives stdout.
    pub(crate) fn run(&self, folder: &Folder, script: &str) -> String {
        let output = Command::new(&self.0)
            .args(["-c", script])
            .current_dir(folder.path(""))
            .env("HF_HOME", folder.path("huggingface"))
            .env("HF_HUB_OFFLINE", "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}\n{said}");
        String::from_utf8(output.stdout).unwrap()
    }
}
