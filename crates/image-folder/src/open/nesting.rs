//! Class folders that look as if something else was meant: parts of a set, a set one folder too deep, or what is no class.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::label::Image;
use super::part::Part;
use crate::{Error, Result};

/// The number of names that a message lists.
const NAMED: usize = 6;

/// What lies directly in a class folder.
#[derive(Default)]
struct Folder<'a> {
    /// Whether there are images, and not in folders below alone.
    has_images: bool,
    /// The folders below that hold images.
    below: BTreeSet<&'a str>,
}

/// The class folders of images, and what lies in them.
pub(super) struct Nesting<'a>(BTreeMap<&'a str, Folder<'a>>);

impl<'a> Nesting<'a> {
    /// Of images that are labelled by their folders.
    pub(super) fn of(images: &'a [Image]) -> Self {
        let mut folders: BTreeMap<&str, Folder<'_>> = BTreeMap::new();
        for image in images {
            let Some(class) = image.folder.as_deref() else { continue };
            let folder = folders.entry(class).or_default();
            match image.key[image.inner..].split_once('/') {
                Some((name, _)) => drop(folder.below.insert(name)),
                None => folder.has_images = true,
            }
        }
        Self(folders)
    }

    /// Sentences about class folders that may not be classes.
    ///
    /// # Errors
    /// [`Error::Layout`] where all of them are parts of a set by their names, and hold the same folders.
    pub(super) fn check(&self, data: &Path) -> Result<Vec<String>> {
        if let Some(shared) = self.shared() {
            return self.check_shared(data, &shared);
        }
        let (with, without): (Vec<_>, Vec<_>) = self.0.iter().partition(|(_, folder)| folder.has_images);
        if with.is_empty() {
            return Ok(Vec::new());
        }
        // A class may be sorted further; a folder of several sets or results is told by having several folders and no image.
        let odd: Vec<(&&str, &Folder<'_>)> =
            without.into_iter().filter(|(_, folder)| folder.below.len() > 1).collect();
        if let Some((name, folder)) = odd.iter().find(|(name, _)| Part::spoken_of(name) == Some(Part::Train))
        {
            let problem = format!(
                "{name}/ looks like a set, not like a class: it holds the folders {}; give {}, or move the other folders away",
                listed(folder.below.iter().copied()),
                data.join(name).display()
            );
            return Err(Error::Layout { path: data.to_owned(), problem });
        }
        let sentence = |(name, folder): (&&str, &Folder<'_>)| {
            format!(
                "{name}/ is taken as a class, but its images are all in folders below it ({}), and other classes hold their images \
                 themselves; if it is no class, move it out of the folder of images",
                listed(folder.below.iter().copied())
            )
        };
        Ok(odd.into_iter().map(sentence).collect())
    }

    /// The folders that stand below every class folder, where no class folder holds images itself, and all hold the same folders.
    fn shared(&self) -> Option<Vec<&'a str>> {
        let mut folders = self.0.values();
        let first = folders.next().filter(|_| self.0.len() > 1)?;
        let is_alike = |folder: &Folder<'_>| {
            let common = folder.below.intersection(&first.below).count();
            !folder.has_images && common > 0 && 2 * common >= folder.below.len().max(first.below.len())
        };
        (!first.has_images && folders.all(is_alike)).then(|| first.below.iter().copied().collect())
    }

    fn check_shared(&self, data: &Path, shared: &[&str]) -> Result<Vec<String>> {
        let classes: Vec<&str> = self.0.keys().copied().collect();
        let below = listed(shared.iter().copied());
        let spoken: Vec<(&str, Part)> =
            classes.iter().filter_map(|name| Some((*name, Part::spoken_of(name)?))).collect();
        let train = spoken.iter().find(|(_, part)| *part == Part::Train);
        let held_out = spoken.iter().find(|(_, part)| *part != Part::Train);
        let held_out = held_out
            .map(|(name, _)| *name)
            .or_else(|| classes.iter().copied().find(|name| train.is_none_or(|(train, _)| train != name)));
        if let (Some((train, _)), Some(held_out)) = (train, held_out) {
            let problem = format!(
                "{} look like parts of a set, not like classes: each holds the folders {below}; give {}, with --test {}",
                listed(classes.iter().copied()),
                data.join(train).display(),
                data.join(held_out).display()
            );
            return Err(Error::Layout { path: data.to_owned(), problem });
        }
        let names = listed(classes.iter().copied());
        Ok(vec![match shared.iter().all(|name| Part::named(name).is_some()) {
            true => format!(
                "the class folders {names} each hold {below}: all images of a class are used alike, and none is held out for being \
                 there; for that, the order is {below} above the classes"
            ),
            false => format!(
                "the folders {names} are taken as classes, but each holds folders of the same names ({below}); if those are the \
                 classes, give one of the folders above, and another as --test"
            ),
        }])
    }

    /// Where all images are in one folder: which folder may be meant instead, in words; else nothing.
    pub(super) fn hint(&self, data: &Path) -> String {
        let mut folders = self.0.iter();
        match (folders.next(), folders.next()) {
            (Some((name, folder)), None) if !folder.below.is_empty() => format!(
                "; it holds the folders {}: perhaps {} is the folder that is meant",
                listed(folder.below.iter().copied()),
                data.join(name).display()
            ),
            _ => String::new(),
        }
    }
}

fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = if names.len() > NAMED { ", ..." } else { "" };
    names.take(NAMED).collect::<Vec<_>>().join(", ") + more
}
