//! From the path in a row of the labels to the file that it means.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

use super::ending::is_image_ending;
use super::folded::folded;
use crate::nearest::nearest;

/// The files that rows can mean, by their keys.
pub(super) struct Files<'a> {
    keys: Vec<&'a str>,
    by_key: HashMap<&'a str, usize>,
    /// The names of the folder of the set: as it is given, absolute, and by its real path, with `/`.
    data: Vec<String>,
    /// The name of that folder, which rows may begin with.
    name: Option<String>,
    /// The files by what is left of their keys when less and less counts; keys without an ending end in [`NO_ENDING`].
    loose: [OnceCell<HashMap<String, Vec<usize>>>; LEVELS.len()],
}

/// What counts when a path is compared with the files' keys, from strict to loose. A path without an ending is compared with keys without
/// theirs.
const LEVELS: [fn(&str) -> String; 2] = [
    // Unicode composed, the ending in lower case.
    |key| {
        let (stem, ending) = split_ending(key);
        let ending = ending.map_or_else(String::new, |ending| format!(".{}", ending.to_lowercase()));
        stem.nfc().collect::<String>() + &ending
    },
    // All in lower case.
    folded,
];

/// The longest path that is compared with the names of files, in bytes: longer ones are no paths on any system.
const LONGEST: usize = 4096;

/// Marks what has no ending. No path holds it.
const NO_ENDING: char = '\0';

/// Why a path means no file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoFile {
    /// It is absolute, and not below the folder of the set.
    Absolute,
    /// It leaves the folder of the set by `..`.
    Leaves,
    /// It is empty.
    Empty,
    /// There is no such file; this is the path below the folder of the set.
    Missing(String),
    /// Several files can be meant: these.
    Several(Vec<String>),
}

impl<'a> Files<'a> {
    pub(super) fn new(data: &Path, keys: impl Iterator<Item = &'a str>) -> Self {
        let keys: Vec<&str> = keys.collect();
        let by_key = keys.iter().enumerate().map(|(index, key)| (*key, index)).collect();
        let real = data.canonicalize().ok();
        let name =
            real.as_deref().unwrap_or(data).file_name().map(|name| name.to_string_lossy().into_owned());
        let names = [Some(data.to_owned()), std::path::absolute(data).ok(), real].into_iter().flatten();
        let shown = |name: PathBuf| slashes(&name.to_string_lossy()).trim_end_matches('/').to_owned();
        Self { keys, by_key, data: names.map(shown).collect(), name, loose: Default::default() }
    }

    /// The file that a path means: the one of this path, or the only one that it can mean.
    pub(super) fn find(&self, path: &str) -> Result<usize, NoFile> {
        if let Some(index) = self.by_key.get(path) {
            return Ok(*index);
        }
        let key = self.key(path)?;
        let found = self.find_key(&key);
        match (&found, key.split_once('/')) {
            (Err(NoFile::Missing(_)), Some((name, below))) if Some(name) == self.name.as_deref() => {
                self.find_key(below).or(found)
            }
            _ => found,
        }
    }

    fn find_key(&self, key: &str) -> Result<usize, NoFile> {
        if let Some(index) = self.by_key.get(key) {
            return Ok(*index);
        }
        for level in 0..LEVELS.len() {
            match self.alike(level, key) {
                [] => {}
                [index] => return Ok(*index),
                several => {
                    let keys = several.iter().map(|index| self.keys[*index].to_owned());
                    return Err(NoFile::Several(keys.collect()));
                }
            }
        }
        Err(NoFile::Missing(key.to_owned()))
    }

    /// The keys most like a path that means no file.
    pub(super) fn nearest(&self, path: &str) -> Vec<&'a str> {
        if path.len() > LONGEST {
            return Vec::new();
        }
        let name = |path: &'a str| path.rsplit('/').next().unwrap_or(path);
        let own = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let same: Vec<&str> = self.keys.iter().copied().filter(|key| name(key) == own).take(3).collect();
        if same.is_empty() { nearest(path, self.keys.iter().copied()) } else { same }
    }

    /// The path below the folder of the set, with `/` between its parts.
    fn key(&self, path: &str) -> Result<String, NoFile> {
        let path = slashes(path);
        let below = self.data.iter().find_map(|data| path.strip_prefix(data.as_str())?.strip_prefix('/'));
        let is_drive = matches!(path.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic());
        let path = match below {
            Some(below) => below,
            None if path.starts_with('/') || is_drive => return Err(NoFile::Absolute),
            None => &path,
        };
        let mut parts = Vec::new();
        for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
            if part != ".." {
                parts.push(part);
            } else if parts.pop().is_none() {
                return Err(NoFile::Leaves);
            }
        }
        if parts.is_empty() { Err(NoFile::Empty) } else { Ok(parts.join("/")) }
    }

    /// The files that are the same as `key` at a level.
    fn alike(&self, level: usize, key: &str) -> &[usize] {
        let files = self.loose[level].get_or_init(|| {
            let mut files: HashMap<String, Vec<usize>> = HashMap::new();
            for (index, key) in self.keys.iter().enumerate() {
                let whole = LEVELS[level](key);
                let (stem, _) = split_ending(&whole);
                files.entry(format!("{stem}{NO_ENDING}")).or_default().push(index);
                files.entry(whole).or_default().push(index);
            }
            files
        });
        let mut wanted = LEVELS[level](key);
        if split_ending(&wanted).1.is_none() {
            wanted.push(NO_ENDING);
        }
        files.get(&wanted).map_or(&[], Vec::as_slice)
    }
}

fn slashes(path: &str) -> String {
    path.replace('\\', "/")
}

/// A path without the ending of an image, and that ending.
fn split_ending(path: &str) -> (&str, Option<&str>) {
    match path.rsplit_once('.') {
        Some((stem, ending)) if is_image_ending(ending) => (stem, Some(ending)),
        _ => (path, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 8] = [
        "cat/1.jpg",
        "cat/2.JPG",
        "cat/3.png",
        "cat/3.jpg",
        "dog/caf\u{e9}.jpg",
        "dog/e\u{301}t\u{e9}.jpg",
        "a\\b.jpg",
        "v1.2",
    ];

    fn find(path: &str) -> Result<&'static str, NoFile> {
        let files = Files::new(Path::new("/data/set"), KEYS.into_iter());
        files.find(path).map(|index| KEYS[index])
    }

    #[test]
    fn a_path_means_the_only_file_that_it_can_mean() {
        for (path, key) in [
            ("cat/1.jpg", "cat/1.jpg"),
            ("./cat//1.jpg", "cat/1.jpg"),
            ("cat\\1.jpg", "cat/1.jpg"),
            (".\\cat\\1.jpg", "cat/1.jpg"),
            ("a\\b.jpg", "a\\b.jpg"),
            ("/data/set/cat/1.jpg", "cat/1.jpg"),
            ("dog/../cat/1.jpg", "cat/1.jpg"),
            ("cat/1.JPG", "cat/1.jpg"),
            ("cat/2.jpg", "cat/2.JPG"),
            ("cat/2", "cat/2.JPG"),
            ("Cat/2.jpg", "cat/2.JPG"),
            ("CAT/1", "cat/1.jpg"),
            ("dog/cafe\u{301}.jpg", "dog/caf\u{e9}.jpg"),
            ("dog/e\u{301}te\u{301}.jpg", "dog/e\u{301}t\u{e9}.jpg"),
            ("dog/\u{e9}t\u{e9}", "dog/e\u{301}t\u{e9}.jpg"),
            ("v1.2", "v1.2"),
            ("V1.2", "v1.2"),
            ("set/cat/1.jpg", "cat/1.jpg"),
            ("set\\cat\\2", "cat/2.JPG"),
        ] {
            assert_eq!(find(path), Ok(key), "{path}");
        }
    }

    #[test]
    fn what_means_no_file_says_why() {
        let several = NoFile::Several(vec!["cat/3.png".to_owned(), "cat/3.jpg".to_owned()]);
        assert_eq!(find("cat/3"), Err(several));
        assert_eq!(find("/data/set2/cat/1.jpg"), Err(NoFile::Absolute));
        assert_eq!(find("C:\\set\\cat\\1.jpg"), Err(NoFile::Absolute));
        assert_eq!(find("../cat/1.jpg"), Err(NoFile::Leaves));
        assert_eq!(find("/data/set/"), Err(NoFile::Empty));
        assert_eq!(find("."), Err(NoFile::Empty));
        assert_eq!(find("cat\\9.jpg"), Err(NoFile::Missing("cat/9.jpg".to_owned())));
        assert_eq!(find("cat/1.png"), Err(NoFile::Missing("cat/1.png".to_owned())));
    }

    #[test]
    fn files_of_the_same_name_are_nearest() {
        let files = Files::new(Path::new("set"), KEYS.into_iter());
        assert_eq!(files.nearest("somewhere/1.jpg"), ["cat/1.jpg"]);
        assert_eq!(files.nearest("cta/1.jpeg").first(), Some(&"cat/1.jpg"));
    }
}
