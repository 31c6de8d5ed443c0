//! `config.toml`, the whole resolved configuration of a run: enough to do the same again (`--config`) and to go on.

use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use toml::de::DeTable;

use super::toml_error::in_a_line;
use crate::files::{read_to_string, write_atomic};
use crate::settings::{Settings, unwritable};
use crate::{Error, Result};

/// The value of `program` in a run's `config.toml`: it marks the folder of a run.
pub(crate) const PROGRAM: &str = "effmix";

/// The keys of a [`RunMetadata`].
const METADATA: [&str; 6] = ["program", "version", "classes", "weights-hash", "test-name", "own-method"];

/// The last line of what a run writes: without it the file was cut off, and what is left would be another run's.
const END: &str = "# end";

/// What `config.toml` holds beside the settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunMetadata {
    /// `effmix`, in a file written by a run; nothing in a user's own file.
    pub program: Option<String>,
    /// The version that wrote it.
    pub version: Option<String>,
    /// The names of the classes, in the order of the networks' outputs. A user's own file has another thing under this key, the file of
    /// `--classes`.
    #[serde(default, deserialize_with = "names")]
    pub classes: Option<Vec<String>>,
    /// Hash of the pretrained weights that the run started from.
    pub weights_hash: Option<String>,
    /// `--test DIR` as it was given, which the paths of its images begin with; the setting itself is absolute.
    pub test_name: Option<PathBuf>,
    /// Name of the method that trained the run, where it is not one of this program ([`Settings::own_method`]).
    pub own_method: Option<String>,
}

/// The names in a list; nothing where there is a text, as a user's file has it.
fn names<'de, D: Deserializer<'de>>(classes: D) -> std::result::Result<Option<Vec<String>>, D::Error> {
    match toml::Value::deserialize(classes)? {
        toml::Value::String(_) => Ok(None),
        list => list.try_into().map(Some).map_err(D::Error::custom),
    }
}

/// A settings file, a user's or a run's.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Who wrote it, if a run did.
    pub metadata: RunMetadata,
    /// The settings.
    pub settings: Settings,
}

impl Config {
    /// The configuration of a run over these classes. Where it is written, how many threads compute it and whether there
    /// is room for it is no part of it: the same run has the same bytes everywhere.
    pub fn of_run(settings: &Settings, classes: &[String]) -> Self {
        let metadata = RunMetadata {
            program: Some(PROGRAM.to_owned()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            classes: Some(classes.to_vec()),
            own_method: settings.own_method.as_ref().map(|own| own.name().to_owned()),
            ..RunMetadata::default()
        };
        let settings = Settings {
            out: None,
            force: None,
            threads: None,
            anyway: None,
            budget: None,
            ..settings.clone()
        };
        Self { metadata, settings }
    }

    /// Reads a settings file.
    ///
    /// # Errors
    /// Names the file, line and column of a syntax error, an unknown key or a value of the wrong type; or a run's file is cut
    /// off.
    pub fn read(file: &Path) -> Result<Self> {
        let text = read_to_string(file)?;
        let wrong =
            |e: toml::de::Error| Error::Format { path: file.to_owned(), problem: in_a_line(&text, &e) };
        let metadata = toml::from_str::<RunMetadata>(&text).map_err(wrong)?;
        // The settings refuse keys that they don't know, so the metadata's own are blanked for them: blanked, not removed, to keep
        // line numbers in errors right.
        let settings = toml::from_str(&without_metadata(&text).map_err(wrong)?).map_err(wrong)?;
        let config = Self { metadata, settings };
        if config.is_ours() && !text.trim_end().ends_with(END) {
            let problem = format!("is cut off: a run's config ends with the line {END:?}; copy it again");
            return Err(Error::Format { path: file.to_owned(), problem });
        }
        Ok(config)
    }

    /// Writes it.
    ///
    /// # Errors
    /// The disk's, or a path that is not UTF-8.
    pub fn write(&self, file: &Path) -> Result<()> {
        let text = self.text()?;
        write_atomic(file, |out| out.write_all(text.as_bytes()))
    }

    /// What is written.
    ///
    /// # Errors
    /// A path that is not UTF-8.
    pub(super) fn text(&self) -> Result<String> {
        let metadata = toml::to_string(&self.metadata).map_err(unwritable)?;
        let settings = toml::to_string(&self.settings).map_err(unwritable)?;
        Ok(format!("{metadata}{settings}{END}\n"))
    }

    /// Whether a run of this program wrote it.
    pub fn is_ours(&self) -> bool {
        self.metadata.program.as_deref() == Some(PROGRAM)
    }
}

/// The text with the metadata's keys and values made blanks, but for line ends.
fn without_metadata(text: &str) -> std::result::Result<String, toml::de::Error> {
    let table = DeTable::parse(text)?;
    let mut bytes = text.as_bytes().to_vec();
    for (key, value) in table.get_ref() {
        let is_file_of_classes = key.get_ref() == "classes" && value.get_ref().is_str();
        if METADATA.contains(&key.get_ref().as_ref()) && !is_file_of_classes {
            let place = &mut bytes[key.span().start..value.span().end];
            place.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_run(classes: &[&str]) -> Config {
        let settings = Settings {
            data: Some("my data".into()),
            lr: Some(0.0125),
            epochs: Some(120),
            seed: Some(1234),
            checkpoint_every: Some(10),
            ..Settings::default()
        };
        Config::of_run(&settings, &classes.iter().map(|class| (*class).to_owned()).collect::<Vec<_>>())
    }

    /// What the reader makes of a file of these bytes.
    fn read(bytes: &[u8]) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, bytes).unwrap();
        Config::read(&file)
    }

    fn written(config: &Config) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        config.write(&file).unwrap();
        std::fs::read(file).unwrap()
    }

    #[test]
    fn names_of_any_kind_come_back() {
        let names = [
            "a\nb",
            "a\r\nb",
            "a\nclasses = 1\n",
            "\"\"\"",
            "'''",
            "x = y",
            "#",
            "\\",
            "é",
            "program = \"x\"",
            " ",
        ];
        for name in names {
            let config = of_run(&[name, "dog"]);
            assert_eq!(read(&written(&config)).unwrap(), config, "{name:?}");
            let settings = Settings { data: Some(format!("in {name}").into()), ..config.settings.clone() };
            let config = Config { settings, ..config };
            assert_eq!(read(&written(&config)).unwrap(), config, "{name:?}");
        }
    }

    #[test]
    fn a_users_file_names_the_file_of_classes_as_the_flag_does() {
        let config = read(b"classes = \"list.txt\"\nepochs = 3\n").unwrap();
        assert_eq!((config.metadata.classes, config.settings.classes), (None, Some("list.txt".into())));
        let of_run = of_run(&["cat", "dog"]);
        let settings = Settings { classes: Some("list.txt".into()), ..of_run.settings.clone() };
        let config = Config { settings, ..of_run };
        assert_eq!(read(&written(&config)).unwrap(), config);
    }

    #[test]
    fn a_runs_config_may_be_laid_out_anew_and_changed() {
        let config = of_run(&["cat", "dog"]);
        let text = String::from_utf8(written(&config)).unwrap();
        let anew =
            text.replace("[\"cat\", \"dog\"]", "[\n  \"cat\", # here\n  \"dog\",\n]").replace("120", "60");
        assert!(anew.contains("# here"), "{text}");
        let found = read(anew.as_bytes()).unwrap();
        assert_eq!((found.metadata, found.settings.epochs), (config.metadata, Some(60)));
        let wrong = anew.replace("epochs", "epoch");
        let line = wrong.lines().position(|line| line.starts_with("epoch")).unwrap() + 1;
        let error = read(wrong.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(&format!("line {line}, column 1")), "{error}");
    }

    #[test]
    fn every_truncation_of_a_runs_config_is_an_error() {
        let whole = written(&of_run(&["cat", "dog"]));
        // From where on the file says that it is a run's to the line end after all.
        let stamped = whole.iter().position(|b| *b == b'\n').unwrap();
        for end in stamped..whole.len() - 1 {
            assert!(read(&whole[..end]).is_err(), "{end} bytes of {}", whole.len());
        }
        for end in 0..stamped {
            let Ok(config) = read(&whole[..end]) else { continue };
            assert!(!config.is_ours() && config.settings == Settings::default(), "{end}");
        }
    }

    /// Nobody can tell whether a user's file was cut between two lines, or in a number; all before that is right.
    #[test]
    fn a_users_file_that_is_cut_off_has_no_other_values_before_the_cut() {
        let text = "# mine\ndata = \"d\"\nepochs = 120\nlr = 1.25e-2\nmethod = \"ce\"\nforce = true\n";
        let whole = read(text.as_bytes()).unwrap().settings.to_table().unwrap();
        for end in 0..text.len() {
            let Ok(config) = read(&text.as_bytes()[..end]) else { continue };
            let before = text[..end].matches('\n').count().saturating_sub(1);
            let found = config.settings.to_table().unwrap();
            let same = found.iter().filter(|(key, value)| whole.get(*key) == Some(value)).count();
            assert!(same >= before && found.len() <= before + 1, "{end}: {found}");
        }
    }
}
