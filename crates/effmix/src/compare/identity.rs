//! A setting's value, and by what it is the same as another run's.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::Result;
use crate::run::{Config, FOLDERS, Provenance};

/// Settings that two runs may have different without being different runs: the seed, over which a group's means are taken, and those
/// that change no result.
const NOT_COMPARED: [&str; 7] =
    ["seed", "cache", "checkpoint-every", "report-images", "trajectories", "format", "preset"];

/// Characters of a hash that are shown.
const SHOWN_OF_A_HASH: usize = "blake3:".len() + 8;

/// Name of the value that stands for the images, where `DATA` is none.
const DEMO: &str = "demo";

/// A setting of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    /// What is shown of it.
    pub(super) value: Value,
    /// Hash of the file or folder that the value names: it is compared instead, wherever the file lay.
    pub(super) hash: Option<String>,
}

impl Setting {
    /// Whether two runs have it alike.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (&self.hash, &other.hash) {
            (Some(one), Some(other)) => one == other,
            _ => self.value == other.value,
        }
    }

    /// Whether it names a file or folder whose hash is not known.
    pub(super) fn is_a_name_alone(&self) -> bool {
        self.hash.is_none() && self.value.as_str().is_some_and(|value| Path::new(value).is_absolute())
    }

    /// What is shown where another run has the same value and means something else by it: a file that has changed.
    pub(super) fn with_identity(&self) -> Value {
        let value = self.value.as_str().map_or_else(|| self.value.to_string(), str::to_owned);
        let hash = self.hash.as_deref().unwrap_or("no hash");
        Value::String(format!("{value} ({})", hash.get(..SHOWN_OF_A_HASH).unwrap_or(hash)))
    }
}

/// All settings of a run that are compared. Runs of older versions have no `provenance`; their files are compared by name.
pub(super) fn settings(
    config: &Config,
    provenance: Option<&Provenance>,
) -> Result<BTreeMap<String, Setting>> {
    let mut settings = BTreeMap::new();
    let hash_of = |name: &str| match name {
        "data" => provenance.map(|made_from| made_from.data_hash.as_str()),
        "labels" => provenance.and_then(|made_from| made_from.labels_hash.as_deref()),
        "reviewed" => provenance.and_then(|made_from| made_from.reviewed_hash.as_deref()),
        "weights" => config.metadata.weights_hash.as_deref(),
        _ => None,
    };
    for (name, value) in config.settings.to_table()? {
        if !NOT_COMPARED.contains(&name.as_str()) {
            let hash = hash_of(&name).map(str::to_owned);
            let value = serde_json::to_value(value).unwrap_or_default();
            settings.insert(name, Setting { value, hash });
        }
    }
    settings.entry("data".to_owned()).or_insert_with(|| Setting { value: DEMO.into(), hash: None });
    settings.entry("labels".to_owned()).or_insert_with(|| Setting { value: FOLDERS.into(), hash: None });
    if let Some(own) = &config.metadata.own_method {
        settings.insert("method".to_owned(), Setting { value: own.as_str().into(), hash: None });
    }
    Ok(settings)
}

/// File names instead of absolute paths, where these tell the values apart as well.
pub(super) fn shortened(values: &mut [Value]) {
    let short = |value: &Value| {
        let path = value.as_str().map(Path::new).filter(|path| path.is_absolute());
        let name = path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        name.map_or_else(|| value.clone(), Value::String)
    };
    let shorter: Vec<Value> = values.iter().map(short).collect();
    let tell = |a: usize, b: usize| (values[a] == values[b]) == (shorter[a] == shorter[b]);
    if (0..values.len()).all(|a| (0..a).all(|b| tell(a, b))) {
        values.clone_from_slice(&shorter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shortened_where_their_names_differ() {
        let shortened = |values: &[&str]| {
            let mut values: Vec<Value> = values.iter().map(|value| (*value).into()).collect();
            shortened(&mut values);
            values
        };
        assert_eq!(shortened(&["/a/x.csv", "/b/y.csv", "folders"]), ["x.csv", "y.csv", "folders"]);
        assert_eq!(shortened(&["/a/x.csv", "/b/x.csv"]), ["/a/x.csv", "/b/x.csv"]);
        assert_eq!(shortened(&["/a/x.csv", "/a/x.csv", "/b/y.csv"]), ["x.csv", "x.csv", "y.csv"]);
    }
}
