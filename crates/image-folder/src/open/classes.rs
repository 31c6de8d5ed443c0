//! The classes of a set in their order, and the images of other classes.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use super::folded::folded;
use super::label::Image;
use super::options::Classes;
use super::scan::Source;
use crate::nearest::nearest;
use crate::{Error, ImageFolder, Limits, Pixels, Result, Sample, Skipped};

/// The number of classes that a message lists.
const NAMED: usize = 10;

/// The classes in this file, a line each. Blank lines are left out, as are blanks around a name.
///
/// # Errors
/// [`Error::Io`] where the file can't be read; [`Error::LabelsLine`] for a class that is listed twice or is not UTF-8, and for an empty
/// file.
pub fn read_classes(file: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(file).map_err(|e| Error::io(file, "reading the classes", e))?;
    let wrong = |line: u64, problem: String| Error::LabelsLine { file: file.to_owned(), line, problem };
    let mut first_line: HashMap<String, u64> = HashMap::new();
    let mut classes = Vec::new();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        let name = std::str::from_utf8(line)
            .map_err(|_| wrong(number, "the class is not UTF-8: save the file as UTF-8".to_owned()))?
            .trim();
        if name.is_empty() {
            continue;
        }
        if let Some(first) = first_line.insert(name.to_owned(), number) {
            return Err(wrong(
                number,
                format!("the class {name:?} is in line {first} already: list it once"),
            ));
        }
        classes.push(name.to_owned());
    }
    if classes.is_empty() {
        return Err(wrong(1, "there are no classes: write one a line".to_owned()));
    }
    Ok(classes)
}

/// Images to samples of classes.
pub(super) struct Numbering {
    classes: Vec<String>,
    ids: HashMap<String, usize>,
    /// The class of each name without its case, where there is exactly one.
    by_folded: HashMap<String, Option<usize>>,
    /// Names that are taken as those of a class which differs by case alone, with that class.
    renamed: BTreeMap<String, usize>,
    limits: Limits,
    /// The number of images of each class that is not among these.
    strangers: BTreeMap<String, usize>,
}

impl Numbering {
    /// By the set's own classes, or those of the options.
    pub(super) fn new(found: Vec<String>, wanted: &Classes, limits: Limits) -> Self {
        let classes = match wanted {
            Classes::Found => found,
            Classes::Listed(classes) | Classes::Known(classes) => classes.clone(),
        };
        let ids = classes.iter().enumerate().map(|(id, name)| (name.clone(), id)).collect();
        let mut by_folded: HashMap<String, Option<usize>> = HashMap::new();
        for (id, name) in classes.iter().enumerate() {
            by_folded.entry(folded(name)).and_modify(|class| *class = None).or_insert(Some(id));
        }
        Self { classes, ids, by_folded, renamed: BTreeMap::new(), limits, strangers: BTreeMap::new() }
    }

    /// The number of the class of this name, or else of the only one whose name differs from it by case alone.
    fn id(&mut self, name: &str) -> Option<usize> {
        if let Some(id) = self.ids.get(name) {
            return Some(*id);
        }
        let id = self.by_folded.get(&folded(name)).copied().flatten()?;
        self.renamed.insert(name.to_owned(), id);
        Some(id)
    }

    /// The images of these classes; others are skipped.
    pub(super) fn samples(
        &mut self,
        images: Vec<Image>,
        skipped: &mut Vec<Skipped>,
        why: &str,
    ) -> Vec<Sample> {
        let limits = self.limits;
        let sample = |image: Image| {
            let Some(label) = self.id(&image.label) else {
                *self.strangers.entry(image.label.clone()).or_default() += 1;
                skipped.push(Skipped { path: image.key, reason: format!("{why}, {:?}", image.label) });
                return None;
            };
            let truth = image.truth.and_then(|name| self.id(&name));
            let source = match image.source {
                Source::File(path) => Pixels::File { path, limits },
                Source::Row(table, row) => Pixels::Row { table, row, limits },
            };
            Some(Sample { path: image.key, source, label, truth })
        };
        images.into_iter().filter_map(sample).collect()
    }

    /// Checks that there are only images of listed classes, where they are listed.
    ///
    /// # Errors
    /// [`Error::OtherClasses`], which names the others.
    pub(super) fn check(&self, data: &Path, wanted: &Classes) -> Result<()> {
        if !matches!(wanted, Classes::Listed(_)) || self.strangers.is_empty() {
            return Ok(());
        }
        Err(Error::OtherClasses {
            path: data.to_owned(),
            classes: self.strangers_in_words(),
            hint: self.hint(),
        })
    }

    /// The class that is most like the first of the others that is like one, in words; else nothing.
    fn hint(&self) -> String {
        let meant = self.strangers.keys().find_map(|name| {
            let nearest = nearest(name, self.classes.iter().map(String::as_str));
            nearest.first().map(|nearest| (name, *nearest))
        });
        match meant {
            Some((_, nearest)) if self.strangers.len() == 1 => format!("; did you mean {nearest:?}?"),
            Some((name, nearest)) => format!("; did you mean {nearest:?} by {name:?}?"),
            None => String::new(),
        }
    }

    /// The classes, and a warning that names those of skipped images.
    pub(super) fn finish(self, set: &mut ImageFolder, who: &str) {
        if !self.strangers.is_empty() {
            let images: usize = self.strangers.values().sum();
            let (these, hint) = (self.strangers_in_words(), self.hint());
            set.warnings.push(format!(
                "images that are left out, because {who} their classes: {images}, of {these}{hint}"
            ));
        }
        if !self.renamed.is_empty() {
            let taken = |(name, id): (&String, &usize)| format!("{name:?} as {:?}", self.classes[*id]);
            let named = self.renamed.iter().take(NAMED).map(taken).collect::<Vec<_>>().join(", ");
            let more = if self.renamed.len() > NAMED { ", ..." } else { "" };
            set.warnings.push(format!(
                "names that differ from a class's by case alone are taken as it: {named}{more}"
            ));
        }
        set.classes = self.classes;
    }

    /// The other classes with their numbers of images.
    fn strangers_in_words(&self) -> String {
        let named = self.strangers.iter().take(NAMED).map(|(name, count)| format!("{name:?} ({count})"));
        let more = if self.strangers.len() > NAMED { ", ..." } else { "" };
        named.collect::<Vec<_>>().join(", ") + more
    }
}
