//! The folders of a set that hold the images to train on and to test on.

use std::fs;
use std::path::{Path, PathBuf};

use super::options::TestSplit;
use super::root::Root;
use super::scan::{Scan, scan};
use crate::{Error, Result};

/// The folders with the images.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) data: PathBuf,
    pub(super) train: Vec<Root>,
    pub(super) test: Option<Root>,
    warnings: Vec<String>,
}

/// All files of a set, before they are labelled.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) train: Scan,
    pub(super) test: Scan,
    pub(super) warnings: Vec<String>,
}

impl Layout {
    pub(super) fn find(data: &Path, split: &TestSplit, test_name: Option<&Path>) -> Result<Self> {
        must_be_folder(data)?;
        let below = |name: &str| Root { folder: data.join(name), prefix: format!("{name}/") };
        let whole = || vec![Root { folder: data.to_owned(), prefix: String::new() }];
        let named_test = ["test", "val"].into_iter().filter(|name| data.join(name).is_dir());
        let tests: Vec<&str> = if data.join("train").is_dir() { named_test.collect() } else { Vec::new() };
        let mut warnings = Vec::new();
        if let [first, second] = tests[..]
            && *split != TestSplit::None
        {
            warnings.push(format!("{second}/ is left out: {first}/ exists too, and is the test set"));
        }
        let (train, test) = match (tests.first(), split) {
            (None, TestSplit::Dir(folder)) => (whole(), Some(other_folder(data, folder, test_name)?)),
            (Some(_), TestSplit::Dir(folder)) => {
                (vec![below("train")], Some(other_folder(data, folder, test_name)?))
            }
            (None, _) => (whole(), None),
            (Some(_), TestSplit::None) => {
                (std::iter::once("train").chain(tests.iter().copied()).map(below).collect(), None)
            }
            (Some(test), TestSplit::Folders | TestSplit::Fraction(_)) => {
                (vec![below("train")], Some(below(test)))
            }
        };
        Ok(Self { data: data.to_owned(), train, test, warnings })
    }

    pub(super) fn has_test(&self) -> bool {
        self.test.is_some()
    }

    pub(super) fn scan(&self) -> Result<Scanned> {
        let mut test = Scan::default();
        let mut apart = None;
        if let Some(root) = &self.test {
            scan(root, None, &mut test)?;
            apart = fs::canonicalize(&root.folder).ok();
        }
        let mut train = Scan::default();
        for root in &self.train {
            scan(root, apart.as_deref(), &mut train)?;
        }
        Ok(Scanned { train, test, warnings: self.warnings.clone() })
    }
}

/// A separate test folder. The keys of its files are their paths below the set where the folder is in it; else they begin with
/// the name given for the folder, or with its path.
fn other_folder(data: &Path, folder: &Path, name: Option<&Path>) -> Result<Root> {
    must_be_folder(folder)?;
    let relative = match (fs::canonicalize(data), fs::canonicalize(folder)) {
        (Ok(data), Ok(folder)) => folder.strip_prefix(data).ok().map(Path::to_owned),
        _ => None,
    };
    let shown = relative.as_deref().or(name).unwrap_or(folder).to_string_lossy().replace('\\', "/");
    Ok(Root { folder: folder.to_owned(), prefix: format!("{}/", shown.trim_end_matches('/')) })
}

fn must_be_folder(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(Error::NotAFolder { path: path.to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::Missing { path: path.to_owned() })
        }
        Err(error) => Err(Error::io(path, "opening the folder of images", error)),
    }
}
