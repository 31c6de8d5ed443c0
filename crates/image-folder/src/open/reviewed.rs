//! Labels that a person has verified take the place of those that were given.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::folded::folded;
use super::label::Image;
use super::named::in_words;
use super::resolve::Files;
use super::verdict::Verdict;
use super::verdicts::Verdicts;
use crate::nearest::nearest;
use crate::{Error, ImageFolder, Result, Skipped};

/// The number of verdicts without an image for which the nearest images are looked for.
const LOOKED_FOR: usize = 10;

/// The number of classes that a message lists.
const NAMED: usize = 20;

/// Gives the images of the set in `data` their verified labels, which must be of these classes, and adds their keys to
/// [`ImageFolder::verified`]. Of several verdicts on an image the last one counts. Verdicts on other images are skipped.
///
/// # Errors
/// What is wrong with the file; a class that the set doesn't have; [`Error::NoRowMatches`] where no verdict is on an image of the set.
pub(super) fn apply(
    file: &Path,
    data: &Path,
    (train, test): (&mut [Image], &mut [Image]),
    classes: &[String],
    set: &mut ImageFolder,
) -> Result<()> {
    let verdicts = Verdicts::read(file)?;
    set.skipped.extend(verdicts.skipped.iter().cloned());
    let found = find(&verdicts, data, train.iter().chain(&*test), set)?;
    let known = Known::new(classes);
    let mut images: Vec<&mut Image> = train.iter_mut().chain(test).collect();
    for (index, verdict) in found {
        if let Some(label) = &verdict.label {
            let image = &mut images[index];
            image.label = known.class(label).map_err(|problem| verdicts.error(verdict.place, problem))?;
            set.verified.insert(image.key.clone());
        }
    }
    Ok(())
}

/// The last verdict on each image, by the image's place among `images`.
fn find<'a, 'v>(
    verdicts: &'v Verdicts,
    data: &Path,
    images: impl Iterator<Item = &'a Image>,
    set: &mut ImageFolder,
) -> Result<BTreeMap<usize, &'v Verdict>> {
    let keys: Vec<&str> = images.map(|image| image.key.as_str()).collect();
    let files = Files::new(data, keys.iter().copied());
    let (mut found, mut without) = (BTreeMap::new(), Vec::new());
    for verdict in &verdicts.all {
        match files.find(&verdict.path) {
            Ok(index) => drop(found.insert(index, verdict)),
            Err(problem) => {
                let nearest =
                    if without.len() < LOOKED_FOR { files.nearest(&verdict.path) } else { Vec::new() };
                let place = format!("{} of the verdicts", verdict.place);
                let reason = in_words(&place, &verdict.path, &problem, &nearest, data);
                without.push(Skipped { path: verdict.path.clone(), reason });
            }
        }
    }
    if let Some(Skipped { path, reason }) = without.first() {
        if let (true, Some(image)) = (found.is_empty(), keys.first()) {
            return Err(Error::NoRowMatches {
                file: verdicts.file.clone(),
                data: data.to_owned(),
                row: path.clone(),
                image: (*image).to_owned(),
                reason: reason.clone(),
            });
        }
        let count = without.len();
        set.warnings.push(format!("verdicts without an image: {count}, the first: {path}: {reason}"));
    }
    set.skipped.append(&mut without);
    Ok(found)
}

/// The classes that a verdict may name.
struct Known<'a> {
    classes: &'a [String],
    /// The class of each name without its case, where there is exactly one.
    by_folded: HashMap<String, Option<&'a String>>,
}

impl<'a> Known<'a> {
    fn new(classes: &'a [String]) -> Self {
        let mut by_folded = HashMap::new();
        for class in classes {
            by_folded.entry(folded(class)).and_modify(|class| *class = None).or_insert(Some(class));
        }
        Self { classes, by_folded }
    }

    /// The class of this name, or else the only one whose name differs from it by case alone.
    fn class(&self, name: &str) -> std::result::Result<String, String> {
        if self.classes.iter().any(|class| class == name) {
            return Ok(name.to_owned());
        }
        if let Some(Some(class)) = self.by_folded.get(&folded(name)) {
            return Ok((*class).clone());
        }
        let shown: Vec<String> = self.classes.iter().take(NAMED).map(|class| format!("{class:?}")).collect();
        let more = if self.classes.len() > shown.len() { ", ..." } else { "" };
        let hint = match nearest(name, self.classes.iter().map(String::as_str)).first() {
            Some(nearest) => format!("; did you mean {nearest:?}?"),
            None => String::new(),
        };
        Err(format!(
            "the label {name:?} is not a class; the classes are {}{more}; correct the label{hint}",
            shown.join(", ")
        ))
    }
}
