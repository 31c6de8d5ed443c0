//! `config.toml`, the whole resolved configuration of a run: enough to do the same again (`--config`) and to go on.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files::{read_to_string, write_atomic};
use super::settings::Settings;
use crate::{Error, Result};

/// The value of `program` in a run's `config.toml`: what tells our folders from others.
pub(crate) const PROGRAM: &str = "effmix";

/// What `config.toml` holds beside the settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stamp {
    /// `effmix`, in a file written by a run; nothing in a user's own file.
    pub program: Option<String>,
    /// The version that wrote it.
    pub version: Option<String>,
    /// The classes, sorted by name.
    pub classes: Option<Vec<String>>,
}

/// A settings file, a user's or a run's.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Who wrote it, if a run did.
    pub stamp: Stamp,
    /// The settings.
    pub settings: Settings,
}

impl Config {
    /// The configuration of a run over these classes. Where it is written, how many threads compute it and whether there
    /// is room for it is no part of it: the same run has the same bytes everywhere.
    pub fn of_run(settings: &Settings, classes: &[String]) -> Self {
        let stamp = Stamp {
            program: Some(PROGRAM.to_owned()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            classes: Some(classes.to_vec()),
        };
        let settings = Settings {
            out: None,
            force: None,
            threads: None,
            anyway: None,
            budget: None,
            ..settings.clone()
        };
        Self { stamp, settings }
    }

    /// Reads a settings file.
    ///
    /// # Errors
    /// Names the file, line and column of a syntax error, an unknown key or a value of the wrong type.
    pub fn read(file: &Path) -> Result<Self> {
        let text = read_to_string(file)?;
        let wrong = |e: toml::de::Error| Error::Format { path: file.to_owned(), problem: e.to_string() };
        let stamp = toml::from_str::<Stamp>(&text).map_err(wrong)?;
        // The settings refuse keys that they don't know, so the stamp's own lines are blanked for them:
        // blanked, not removed, and not parsed to a table first, to keep line numbers in errors right.
        let settings = toml::from_str(&without_stamp(&text)).map_err(wrong)?;
        Ok(Self { stamp, settings })
    }

    /// Writes it.
    ///
    /// # Errors
    /// The disk's, or a path that is not UTF-8.
    pub fn write(&self, file: &Path) -> Result<()> {
        let mut text = toml::to_string(&self.stamp).map_err(unwritable)?;
        text.push_str(&toml::to_string(&self.settings).map_err(unwritable)?);
        write_atomic(file, |out| out.write_all(text.as_bytes()))
    }

    /// Whether a run of this program wrote it.
    pub fn is_ours(&self) -> bool {
        self.stamp.program.as_deref() == Some(PROGRAM)
    }
}

/// Settings that TOML can't hold: a path that is not UTF-8.
pub(super) fn unwritable(e: toml::ser::Error) -> Error {
    Error::Data(format!("the settings can't be kept as TOML: {e} (is every path UTF-8?)"))
}

/// The text with the lines of the stamp, which [`Config::write`] puts one a key, made empty.
fn without_stamp(text: &str) -> String {
    let is_stamp = |line: &str| {
        line.split_once('=').is_some_and(|(key, _)| matches!(key.trim(), "program" | "version" | "classes"))
    };
    text.lines().map(|line| if is_stamp(line) { "" } else { line }).collect::<Vec<_>>().join("\n")
}
