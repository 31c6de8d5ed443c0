//! The folders of a set that hold the images to train on and to test on.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::ending::has_image_ending;
use super::litter::is_litter;
use super::options::{OpenOptions, TestSplit};
use super::part::Part;
use super::root::Root;
use super::scan::{Apart, Scan, scan};
use crate::{Error, Result};

/// The folders with the images.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) data: PathBuf,
    pub(super) train: Vec<Root>,
    pub(super) test: Option<Root>,
    is_output: Option<fn(&Path) -> bool>,
    warnings: Vec<String>,
}

/// All files of a set, before they are labelled.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) train: Scan,
    pub(super) test: Scan,
    /// Whether folders or files say which images are held out.
    pub(super) is_split: bool,
    pub(super) warnings: Vec<String>,
}

impl Layout {
    /// The layout of a set whose images are in no folders.
    pub(super) fn without_folders(data: &Path) -> Self {
        Self { data: data.to_owned(), train: Vec::new(), test: None, is_output: None, warnings: Vec::new() }
    }

    pub(super) fn find(data: &Path, options: &OpenOptions) -> Result<Self> {
        must_be_folder(data)?;
        let below = |name: &String| Root { folder: data.join(name), prefix: format!("{name}/") };
        let whole = || vec![Root { folder: data.to_owned(), prefix: String::new() }];
        let mut warnings = Vec::new();
        let folders = folders_in(data, options.is_output);
        let parts = Parts::among(data, &folders, options)?;
        let other = match &options.test {
            TestSplit::Dir(folder) => Some(other_folder(data, folder, options.test_name.as_deref())?),
            _ => None,
        };
        let (train, test) = match parts {
            None => (whole(), other),
            Some(parts) => {
                warnings.extend(parts.others(data, &folders));
                let Parts { train, held_out } = parts;
                match (&options.test, held_out.split_first()) {
                    (TestSplit::None, _) => {
                        (std::iter::once(&train).chain(&held_out).map(below).collect(), None)
                    }
                    (TestSplit::Dir(_), _) => (vec![below(&train)], other),
                    (_, Some((first, rest))) => {
                        warnings.extend(rest.iter().map(|name| {
                            format!("{name}/ is left out: {first}/ exists too, and is the test set")
                        }));
                        (vec![below(&train)], Some(below(first)))
                    }
                    (_, None) => (vec![below(&train)], None),
                }
            }
        };
        Ok(Self { data: data.to_owned(), train, test, is_output: options.is_output, warnings })
    }

    pub(super) fn scan(&self) -> Result<Scanned> {
        let mut test = Scan::default();
        let mut real = None;
        if let Some(root) = &self.test {
            scan(root, Apart::default(), &mut test)?;
            real = fs::canonicalize(&root.folder).ok();
        }
        let mut train = Scan::default();
        for root in &self.train {
            scan(root, Apart { folder: real.as_deref(), is_output: self.is_output }, &mut train)?;
        }
        Ok(Scanned { train, test, is_split: self.test.is_some(), warnings: self.warnings.clone() })
    }
}

/// The folders of a set that are its parts.
struct Parts {
    train: String,
    /// Those for testing before those for validation.
    held_out: Vec<String>,
}

impl Parts {
    /// The parts among the folders of a set; `None` where these are classes.
    ///
    /// A folder `train` that holds images and no folders can be a class, of railways: then the folders are parts only if all of them have
    /// the names of parts.
    fn among(data: &Path, folders: &[String], options: &OpenOptions) -> Result<Option<Self>> {
        let mut parts: Vec<(Part, &String)> =
            folders.iter().filter_map(|name| Some((Part::named(name)?, name))).collect();
        parts.sort_unstable();
        let (trains, held_out): (Vec<_>, Vec<_>) = parts.iter().partition(|(part, _)| *part == Part::Train);
        let name = |(_, name): &(Part, &String)| (*name).clone();
        let is_whole = parts.len() == folders.len();
        let holds_folders = |(_, name): &(Part, &String)| !folders_in(&data.join(name), None).is_empty();
        match trains.as_slice() {
            [train] if !held_out.is_empty() => {
                let are_parts = is_whole || options.labels.is_some() || holds_folders(train);
                Ok(are_parts
                    .then(|| Self { train: name(train), held_out: held_out.iter().map(name).collect() }))
            }
            [first, second, ..] if holds_folders(first) && holds_folders(second) => {
                let problem = format!(
                    "{}/ and {}/ are both named as the images to train on: keep one of the two there",
                    first.1, second.1
                );
                Err(Error::Layout { path: data.to_owned(), problem })
            }
            [] if held_out.len() > 1 && is_whole && held_out.iter().all(holds_folders) => {
                let names: Vec<String> = held_out.iter().map(|(_, name)| format!("{name}/")).collect();
                let problem = format!(
                    "it holds {}, and no train/ with the images to train on; give the folder that is meant itself, such as {}",
                    names.join(" and "),
                    data.join(held_out[0].1).display()
                );
                Err(Error::Layout { path: data.to_owned(), problem })
            }
            _ => Ok(None),
        }
    }

    /// A sentence for each folder with images that stands beside the parts.
    fn others(&self, data: &Path, folders: &[String]) -> Vec<String> {
        let is_part = |name: &String| *name == self.train || self.held_out.contains(name);
        let others = folders.iter().filter(|name| !is_part(name) && holds_images(&data.join(name)));
        others
            .map(|name| {
                format!("{name}/ is left out: the images to train on are those in {}/ beside it", self.train)
            })
            .collect()
    }
}

/// The names of the folders directly below, sorted, but for hidden ones and those that are no part of a set.
fn folders_in(folder: &Path, is_output: Option<fn(&Path) -> bool>) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| fs::metadata(entry.path()).is_ok_and(|about| about.is_dir()));
    let sets = folders.filter(|entry| !is_output.is_some_and(|test| test(&entry.path())));
    let names = sets.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.') && !is_litter(name)).collect();
    names.sort_unstable();
    names
}

/// Whether there is an image below, by its name.
fn holds_images(folder: &Path) -> bool {
    let entries = WalkDir::new(folder).into_iter().flatten();
    entries.into_iter().any(|entry| entry.file_type().is_file() && has_image_ending(entry.path()))
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
