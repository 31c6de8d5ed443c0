//! Where something is read from: a file, or an entry of an archive.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// A message shows up to so many characters of a name inside an archive, which can have 65,535.
const CHARACTERS_SHOWN: usize = 200;

/// Name of the file in which timm's repositories say what their weights are.
pub(super) const CONFIG: &str = "config.json";

/// Size, in bytes, up to which a file of that name is read: longer ones are not timm's.
pub(super) const LONGEST_CONFIG: u64 = 1 << 20;

/// A file, or an entry of an archive. It makes the errors that name the two.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    path: PathBuf,
    /// Name inside the archive, if the file is one.
    entry: Option<String>,
}

impl Place {
    pub(super) fn file(path: &Path) -> Self {
        Self { path: path.to_owned(), entry: None }
    }

    pub(super) fn entry(path: &Path, name: &str) -> Self {
        Self { path: path.to_owned(), entry: Some(name.to_owned()) }
    }

    /// The file, an archive's where there is an entry.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The entry's name, if it is one.
    pub(super) fn entry_name(&self) -> Option<&str> {
        self.entry.as_deref()
    }

    /// The file or entry of this name in the same folder.
    pub(super) fn beside(&self, name: &str) -> Self {
        let Some(entry) = &self.entry else { return Self::file(&self.path.with_file_name(name)) };
        let folder = entry.rfind(['/', '\\']).map_or("", |slash| &entry[..=slash]);
        Self::entry(&self.path, &format!("{folder}{name}"))
    }

    /// What is wrong with its content.
    pub(crate) fn malformed(&self, reason: impl Into<String>) -> Error {
        let reason = reason.into();
        match &self.entry {
            Some(entry) => Error::malformed(&self.path, format!("entry {}: {reason}", shown(entry))),
            None => Error::malformed(&self.path, reason),
        }
    }

    /// Why the system doesn't let it be read.
    pub(super) fn io(&self, source: io::Error) -> Error {
        match &self.entry {
            Some(entry) => {
                let text = format!("entry {}: {source}", shown(entry));
                Error::io(&self.path, io::Error::new(source.kind(), text))
            }
            None => Error::io(&self.path, source),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path.display())?;
        self.entry.as_ref().map_or(Ok(()), |entry| write!(f, ", entry {}", shown(entry)))
    }
}

/// A file's text as a message shows it: characters that are not printed are escaped, and long text is cut off.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    let mut letters = text.chars();
    for letter in letters.by_ref().take(CHARACTERS_SHOWN) {
        match letter {
            '"' | '\'' => shown.push(letter),
            _ => shown.extend(letter.escape_debug()),
        }
    }
    if letters.next().is_some() {
        shown.push_str("...");
    }
    shown
}
