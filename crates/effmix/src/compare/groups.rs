//! Runs put together, and the settings that differ.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use super::entry::{Entry, FIGURES};
use super::identity::{Setting, shortened};
use super::{Comparison, LeftOut, Spread};

/// Settings that name groups before others do.
const FIRST: [&str; 3] = ["method", "data", "labels"];

/// Runs that differ by their seed alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunGroup {
    /// The settings in which the groups differ; null where the runs have none of that name.
    pub settings: BTreeMap<String, Value>,
    /// The seeds, in the order of the runs.
    pub seeds: Vec<u64>,
    /// The run folders.
    pub runs: Vec<PathBuf>,
    /// Each of [`super::FIGURES`]; null where no run knows it.
    pub figures: BTreeMap<&'static str, Option<Spread>>,
}

/// The comparison of these runs.
pub(super) fn compared(mut entries: Vec<Entry>, left_out: Vec<LeftOut>) -> Comparison {
    let runs = entries.len();
    by_value_where_a_hash_is_missing(&mut entries);
    let names: BTreeSet<&String> = entries.iter().flat_map(|entry| entry.settings.keys()).collect();
    let (same, differing): (Vec<&String>, Vec<&String>) = names.into_iter().partition(|name| {
        entries.windows(2).all(|pair| alike(pair[0].settings.get(*name), pair[1].settings.get(*name)))
    });
    let settings = same
        .iter()
        .filter_map(|name| Some(((*name).clone(), entries.first()?.settings.get(*name)?.value.clone())));
    let settings = settings.collect();
    let groups = grouped(&entries);
    let (differ, telling) = told_apart(&groups, &differing);
    let mut shown: Vec<RunGroup> = groups.iter().map(|group| of(group)).collect();
    for name in &differ {
        let values = shown_values(&groups, name);
        shown.iter_mut().zip(values).for_each(|(group, value)| {
            group.settings.insert(name.clone(), value);
        });
    }
    let notes = notes(&entries, &groups, &differ);
    Comparison { runs, settings, differ, telling, groups: shown, left_out, notes }
}

/// Forgets the hashes of a setting where some runs, of older versions, have a file's name and no hash: then names are compared.
fn by_value_where_a_hash_is_missing(entries: &mut [Entry]) {
    let without = |entry: &Entry| -> Vec<String> {
        let settings = entry.settings.iter();
        settings.filter(|(_, setting)| setting.is_a_name_alone()).map(|(name, _)| name.clone()).collect()
    };
    let missing: BTreeSet<String> = entries.iter().flat_map(without).collect();
    for setting in entries.iter_mut().flat_map(|entry| entry.settings.iter_mut()) {
        if missing.contains(setting.0) {
            setting.1.hash = None;
        }
    }
}

fn alike(a: Option<&Setting>, b: Option<&Setting>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.is(b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// Runs whose settings are all alike, in the order of the first of each group.
fn grouped(entries: &[Entry]) -> Vec<Vec<&Entry>> {
    let mut groups: Vec<Vec<&Entry>> = Vec::new();
    for entry in entries {
        let same = |group: &&mut Vec<&Entry>| {
            let (a, b) = (&group[0].settings, &entry.settings);
            a.len() == b.len() && a.iter().all(|(name, setting)| alike(Some(setting), b.get(name)))
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    groups
}

/// The names of the settings that differ: first those that tell the groups apart, of which there are so many, then those that follow from
/// them.
fn told_apart(groups: &[Vec<&Entry>], differing: &[&String]) -> (Vec<String>, usize) {
    let rank = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
    let mut ordered: Vec<&String> = differing.to_vec();
    ordered.sort_by_key(|name| (rank(name), *name));
    let (mut telling, mut following) = (Vec::new(), Vec::new());
    for name in ordered {
        let splits = |a: usize, b: usize| {
            let differs =
                |name: &String| !alike(groups[a][0].settings.get(name), groups[b][0].settings.get(name));
            differs(name) && !telling.iter().any(|told: &&String| differs(told))
        };
        match (0..groups.len()).any(|a| (0..a).any(|b| splits(a, b))) {
            true => telling.push(name),
            false => following.push(name),
        }
    }
    let count = telling.len();
    (telling.into_iter().chain(following).cloned().collect(), count)
}

/// What is shown of a setting for each group.
fn shown_values(groups: &[Vec<&Entry>], name: &str) -> Vec<Value> {
    let settings: Vec<Option<&Setting>> = groups.iter().map(|group| group[0].settings.get(name)).collect();
    let ambiguous = |a: &Setting| settings.iter().flatten().any(|b| !a.is(b) && a.value == b.value);
    let value = |setting: &Option<&Setting>| match setting {
        Some(setting) if ambiguous(setting) => setting.with_identity(),
        Some(setting) => setting.value.clone(),
        None => Value::Null,
    };
    let mut values: Vec<Value> = settings.iter().map(value).collect();
    shortened(&mut values);
    values
}

/// A group with its figures, without its settings.
fn of(group: &[&Entry]) -> RunGroup {
    // A seed counts once: a run that is there again tells nothing new.
    let is_first = |(place, entry): &(usize, &&Entry)| {
        entry.seed.is_none() || group[..*place].iter().all(|before| before.seed != entry.seed)
    };
    let once: Vec<&Entry> = group.iter().enumerate().filter(is_first).map(|(_, entry)| *entry).collect();
    let figure = |name: &'static str| {
        let values: Vec<f64> = once.iter().filter_map(|entry| entry.figures.get(name).copied()).collect();
        (name, Spread::of(&values))
    };
    RunGroup {
        settings: BTreeMap::new(),
        seeds: once.iter().filter_map(|entry| entry.seed).collect(),
        runs: group.iter().map(|entry| entry.path.clone()).collect(),
        figures: FIGURES.into_iter().map(figure).collect(),
    }
}

/// What should be known before the groups are compared.
fn notes(entries: &[Entry], groups: &[Vec<&Entry>], differ: &[String]) -> Vec<String> {
    let mut notes = Vec::new();
    if differ.iter().any(|name| name == "data") {
        notes.push(
            "The runs are of different images: their figures can't be compared with each other.".to_owned(),
        );
    }
    let of_accuracy: BTreeSet<&str> =
        entries.iter().filter_map(|entry| entry.test_labels.as_deref()).collect();
    if of_accuracy.len() > 1 {
        notes.push("The accuracy of some runs is by true labels, that of others by given ones.".to_owned());
    }
    let versions: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.version.as_deref()).collect();
    if versions.len() > 1 {
        let versions: Vec<&str> = versions.into_iter().collect();
        notes.push(format!("The runs were made by different versions of effmix: {}.", versions.join(", ")));
    }
    for (group, number) in groups.iter().zip(1..) {
        let seeds: Vec<u64> = group.iter().filter_map(|entry| entry.seed).collect();
        if let Some(seed) = seeds.iter().enumerate().find(|(place, seed)| seeds[..*place].contains(seed)) {
            notes.push(format!(
                "Group {number} has seed {} more than once: the first of these runs counts.",
                seed.1
            ));
        }
        for name in FIGURES {
            let known = group.iter().filter(|entry| entry.figures.contains_key(name)).count();
            if known > 0 && known < group.len() {
                notes
                    .push(format!("Group {number} has {name} in {known} of its {} runs alone.", group.len()));
            }
        }
    }
    notes
}
