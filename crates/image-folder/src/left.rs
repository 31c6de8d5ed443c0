//! Files and folders that are left without a look at their content.

use std::collections::BTreeMap;
use std::fs::FileType;
use std::path::Path;

/// A file or folder that is left without a look at its content, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The path relative to the folder of the set.
    pub path: String,
    /// The reason.
    pub kind: LeftKind,
}

/// Why a file or folder is left without a look at its content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LeftKind {
    /// A file whose ending is none of [`ENDINGS`](crate::ENDINGS): the ending in lower case with its dot, or nothing where the name has
    /// none.
    Ending(String),
    /// A file or folder whose name begins with a dot.
    Hidden,
    /// A folder that another program keeps beside a user's files, such as `__MACOSX`.
    Litter,
    /// A folder of a program's own results.
    Output,
    /// A named pipe (FIFO).
    Pipe,
    /// A socket.
    Socket,
    /// A device.
    Device,
}

impl LeftKind {
    /// Of a file that is no image by its name.
    pub(crate) fn by_ending(path: &Path) -> Self {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        Self::Ending(ending.map_or_else(String::new, |ending| format!(".{ending}")))
    }

    /// Of what is neither a file nor a folder; `None` for these two.
    pub(crate) fn special(kind: FileType) -> Option<Self> {
        if kind.is_file() || kind.is_dir() {
            return None;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt;
            if kind.is_fifo() {
                return Some(Self::Pipe);
            }
            if kind.is_socket() {
                return Some(Self::Socket);
            }
        }
        Some(Self::Device)
    }

    /// What it is, for a list of such files: `is a named pipe`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Ending(ending) if ending.is_empty() => "has no ending of an image".to_owned(),
            Self::Ending(ending) => format!("{ending} is no ending of an image that is read"),
            Self::Hidden => "is hidden: its name begins with a dot".to_owned(),
            Self::Litter => "is a folder that another program keeps for itself".to_owned(),
            Self::Output => "holds this program's own results".to_owned(),
            Self::Pipe => "is a named pipe, not a file".to_owned(),
            Self::Socket => "is a socket, not a file".to_owned(),
            Self::Device => "is a device, not a file".to_owned(),
        }
    }

    /// So many of it, in a few words: `32 .tif`.
    fn counted(&self, count: usize) -> String {
        let plural = |one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        match self {
            Self::Ending(ending) if ending.is_empty() => format!("{count} without an ending"),
            Self::Ending(ending) => format!("{count} {ending}"),
            Self::Hidden => format!("{count} hidden"),
            Self::Litter => plural("folder") + " of other programs",
            Self::Output => plural("folder") + " of results",
            Self::Pipe => plural("named pipe"),
            Self::Socket => plural("socket"),
            Self::Device => plural("device"),
        }
    }
}

/// Endings of photographs that other programs read.
const TO_CONVERT: [&str; 4] = [".heic", ".heif", ".avif", ".jxl"];

impl Left {
    /// What to do with photographs of formats that aren't read; `None` where there are none.
    pub(crate) fn to_convert(left: &[Self]) -> Option<String> {
        let has = |ending: &&str| left.iter().any(|left| left.kind == LeftKind::Ending((*ending).to_owned()));
        let there: Vec<&str> = TO_CONVERT.into_iter().filter(has).collect();
        (!there.is_empty()).then(|| format!("convert {} to JPEG or PNG first", there.join(", ")))
    }

    /// How many of each kind there are, the most frequent first: `32 .tif, 16 .avif, 1 named pipe`. Nothing where nothing is left.
    pub fn counts(left: &[Self]) -> String {
        let mut counts: BTreeMap<&LeftKind, usize> = BTreeMap::new();
        left.iter().for_each(|left| *counts.entry(&left.kind).or_default() += 1);
        let mut counts: Vec<(&LeftKind, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts.iter().map(|(kind, count)| kind.counted(*count)).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_counted_by_kind_the_most_frequent_first() {
        let left = |path: &str, kind| Left { path: path.to_owned(), kind };
        let of = |path: &str| left(path, LeftKind::by_ending(Path::new(path)));
        let all = [of("a.avif"), of("b.TIF"), of("c.tif"), of("README"), left(".git", LeftKind::Hidden)];
        assert_eq!(Left::counts(&all), "2 .tif, 1 without an ending, 1 .avif, 1 hidden");
        assert_eq!(Left::counts(&[left("p", LeftKind::Pipe), left("q", LeftKind::Pipe)]), "2 named pipes");
        assert_eq!(Left::counts(&[]), "");
    }
}
