//! `config.toml`: the settings of a run.

use crate::{Error, Result};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// The names of the classes, and everything else as text.
#[derive(Debug, Default)]
pub(crate) struct Config {
    pub(crate) classes: Vec<String>,
    /// Dotted key and value, in the order of the keys.
    pub(crate) settings: Vec<(String, String)>,
}

impl Config {
    /// The last part of the data's path, `None` where the settings name no data.
    pub(crate) fn data_name(&self) -> Option<&str> {
        let (_, data) = self.settings.iter().find(|(key, _)| key == "data")?;
        Path::new(data).file_name()?.to_str()
    }
}

/// Settings that do not change what a run gives: with them the page would differ where the run does not.
const WITHOUT_EFFECT: [&str; 3] = ["force", "out", "threads"];

/// `None` where there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Config>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::read(path)(error)),
    };
    let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count() as u64);
        Error::content(path, line, error.message())
    })?;
    let classes = match table.remove("classes") {
        Some(toml::Value::Array(names)) => names.iter().map(shown).collect(),
        _ => Vec::new(),
    };
    let mut config = Config { classes, settings: Vec::new() };
    flatten("", &table, &mut config.settings);
    config.settings.retain(|(key, _)| !WITHOUT_EFFECT.contains(&key.as_str()));
    Ok(Some(config))
}

fn flatten(prefix: &str, table: &toml::Table, into: &mut Vec<(String, String)>) {
    for (key, value) in table {
        let key = format!("{prefix}{key}");
        match value {
            toml::Value::Table(inner) => flatten(&format!("{key}."), inner, into),
            value => into.push((key, shown(value))),
        }
    }
}

fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
