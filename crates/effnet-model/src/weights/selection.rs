//! Which of a file's tensors are a network's weights: of several dictionaries one, and of its tensors those under one prefix.
//!
//! A network is known by its stem, whose weight has a name in each library's layout. What stands before that name is the prefix, whatever
//! wrappers put there: `module.` (DataParallel), `_orig_mod.` (torch.compile), `model.` (Lightning), or a name of the user's.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::parsed::{Malformed, Refused};
use super::place::shown;
use crate::error::listed;
use crate::layouts::TELLTALES;

/// A message shows so many keys.
pub(super) const KEYS_SHOWN: usize = 8;

/// Networks that are told apart, at most.
const MOST_NETWORKS: usize = 64;

/// Prefixes that wrappers put before every name, which are taken off where no network's stem tells the prefix.
const WRAPPERS: [&str; 5] = ["module.", "_orig_mod.", "model.", "net.", "network."];

/// Words for weights that are not those of the last step of training. They are taken on request.
const AVERAGED: [&str; 11] =
    ["ema", "swa", "avg", "average", "averaged", "averages", "teacher", "shadow", "polyak", "slow", "mean"];
const EARLIER: [&str; 6] = ["best", "old", "prev", "previous", "initial", "init"];
const NO_WEIGHTS: [&str; 10] = [
    "optimizer",
    "optimiser",
    "optim",
    "optimizers",
    "exp",
    "grad",
    "grads",
    "momentum",
    "scaler",
    "scheduler",
];

/// Tensors by name; `T` says where one is.
pub(super) struct Dictionary<'a, T> {
    /// Where it is, keys with dots between them; empty for the file's own.
    pub(super) key: String,
    /// The class of the pickled module that it was.
    pub(super) class: Option<String>,
    pub(super) tensors: Vec<(Cow<'a, str>, T)>,
}

/// The weights of a network that were found.
#[derive(Debug, Clone)]
struct Network {
    /// Index of the dictionary.
    dictionary: usize,
    /// What stands before each of its names.
    prefix: String,
    /// How `--weights-key` asks for it.
    key: String,
    kind: Kind,
}

/// What weights are, by the words on the way to them; what is better comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Plain,
    Earlier,
    Averaged,
    NoWeights,
}

/// What was taken of a file that holds more than the bare weights of one network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Where the dictionary is, keys with dots between them; empty for the file's own.
    key: String,
    /// The class of the pickled module that it was.
    class: Option<String>,
    /// What stood before each name.
    prefix: String,
    /// Tensors of the dictionary that are not under the prefix.
    left: Vec<String>,
    /// Other weights of networks that could be taken, by their keys, and whether those are averages.
    others: Vec<(String, bool)>,
}

/// The tensors of one network, without the prefix of their names, and what they were taken of.
pub(super) type Selected<'a, T> = (Vec<(Cow<'a, str>, T)>, Taken);

/// Selects the weights that `key` asks for, or the plainest.
///
/// # Errors
/// [`Refused::NoSuchKey`], if there are none under the key.
pub(super) fn select<'a, T>(
    mut dictionaries: Vec<Dictionary<'a, T>>,
    wanted: Option<&str>,
) -> Result<Selected<'a, T>, Refused> {
    let mut networks = networks(&dictionaries);
    networks.sort_by_key(|network| network.kind);
    let chosen = match wanted {
        None => (!networks.is_empty()).then_some(0),
        Some(wanted) => Some(position(&networks, wanted).ok_or_else(|| {
            Refused::NoSuchKey(networks.iter().map(|network| shown(&network.key)).collect())
        })?),
    };
    let Some(chosen) = chosen else { return of_no_network(dictionaries) };
    let network = networks.remove(chosen);
    // What is a part of no network but this.
    let inner: Vec<&str> = networks
        .iter()
        .filter(|other| other.dictionary == network.dictionary && other.prefix.len() > network.prefix.len())
        .map(|other| other.prefix.as_str())
        .collect();
    let Dictionary { key, class, tensors } = dictionaries.swap_remove(network.dictionary);
    let (mut own, mut left) = (Vec::new(), Vec::new());
    for (name, tensor) in tensors {
        let is_inner = inner.iter().any(|prefix| name.starts_with(prefix));
        match name.strip_prefix(&network.prefix) {
            Some(_) if !is_inner => own.push((without(name, network.prefix.len()), tensor)),
            _ if is_inner => {}
            _ => left.push(shown(&name)),
        }
    }
    // What other networks of this dictionary have is no rest.
    left.retain(|name| {
        !networks.iter().any(|other| {
            other.dictionary == network.dictionary
                && !other.prefix.is_empty()
                && name.starts_with(&other.prefix)
        })
    });
    let weights = networks.into_iter().filter(|other| other.kind != Kind::NoWeights);
    let others = weights.map(|other| (shown(&other.key), other.kind == Kind::Averaged)).collect();
    Ok((own, Taken { key, class, prefix: network.prefix, left, others }))
}

fn without(name: Cow<'_, str>, prefix: usize) -> Cow<'_, str> {
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(&name[prefix..]),
        Cow::Owned(mut name) => {
            name.drain(..prefix);
            Cow::Owned(name)
        }
    }
}

/// The networks whose stems are in the dictionaries: where any has a block as well, those that have.
fn networks<T>(dictionaries: &[Dictionary<'_, T>]) -> Vec<Network> {
    let mut found = Vec::new();
    let mut is_whole = false;
    for (index, dictionary) in dictionaries.iter().enumerate() {
        let names: BTreeSet<&str> = dictionary.tensors.iter().map(|(name, _)| name.as_ref()).collect();
        for [stem, block] in TELLTALES {
            let prefixes = names.iter().filter_map(|name| name.strip_suffix(stem));
            for prefix in prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.')) {
                let has_block = names.contains(format!("{prefix}{block}").as_str());
                if has_block && !is_whole {
                    is_whole = true;
                    found.clear();
                }
                if has_block == is_whole && found.len() < MOST_NETWORKS {
                    let key = [dictionary.key.as_str(), prefix.trim_end_matches('.')];
                    let key = key.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
                    let kind = Kind::of(&key);
                    found.push(Network { dictionary: index, prefix: (*prefix).to_owned(), key, kind });
                }
            }
        }
    }
    shorten(&mut found, dictionaries);
    found
}

/// Of a dictionary with one network, the dictionary's key is enough.
fn shorten<T>(networks: &mut [Network], dictionaries: &[Dictionary<'_, T>]) {
    let counts: Vec<usize> = networks.iter().map(|network| network.dictionary).collect();
    for network in networks {
        let of_same = counts.iter().filter(|other| **other == network.dictionary).count();
        let key = &dictionaries[network.dictionary].key;
        if of_same == 1 && !key.is_empty() {
            network.key.clone_from(key);
        }
    }
}

impl Kind {
    fn of(key: &str) -> Self {
        let of_key = words(key);
        let has = |words: &[&str]| of_key.iter().any(|word| words.contains(&word.as_str()));
        if has(&NO_WEIGHTS) {
            Self::NoWeights
        } else if has(&AVERAGED) {
            Self::Averaged
        } else if has(&EARLIER) {
            Self::Earlier
        } else {
            Self::Plain
        }
    }
}

/// The words of a key in lower case: `state_dict_ema` and `modelEma` end with `ema`.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_after_lower = false;
    for letter in key.chars() {
        let starts = !letter.is_alphanumeric() || (letter.is_uppercase() && is_after_lower);
        if starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphabetic()) {
            word.extend(letter.to_lowercase());
        }
        is_after_lower = letter.is_lowercase();
    }
    words
}

/// The network that a user's key means: the one of that key, else the plainest with these keys on the way to it.
fn position(networks: &[Network], wanted: &str) -> Option<usize> {
    let wanted = wanted.trim_matches('.');
    let exact = networks.iter().position(|network| network.key == wanted);
    let within = |network: &Network| {
        let (key, wanted) = (format!(".{}.{}", network.key, network.prefix), format!(".{wanted}."));
        key.contains(&wanted)
    };
    exact.or_else(|| networks.iter().position(within))
}

/// Of files without a network that is known, the dictionary with the most tensors, without the prefixes of wrappers that are known.
fn of_no_network<T>(mut dictionaries: Vec<Dictionary<'_, T>>) -> Result<Selected<'_, T>, Refused> {
    let states: Vec<String> = dictionaries.iter().map(|dictionary| shown(&dictionary.key)).collect();
    dictionaries.retain(|dictionary| Kind::of(&dictionary.key) != Kind::NoWeights);
    let most = dictionaries.iter().map(|dictionary| dictionary.tensors.len()).max();
    let largest = dictionaries.into_iter().find(|dictionary| Some(dictionary.tensors.len()) == most);
    let Some(Dictionary { key, class, tensors }) = largest else {
        return Err(Refused::Malformed(Malformed::new(format!(
            "it holds the state of an optimiser or the like ({}), and no weights; give the file with the weights",
            listed(&states, KEYS_SHOWN, String::clone)
        ))));
    };
    let mut prefix = String::new();
    let is_of_all =
        |prefix: &str| !tensors.is_empty() && tensors.iter().all(|(name, _)| name.starts_with(prefix));
    while let Some(longer) =
        WRAPPERS.iter().map(|next| format!("{prefix}{next}")).find(|longer| is_of_all(longer))
    {
        prefix = longer;
    }
    let own = tensors.into_iter().map(|(name, tensor)| (without(name, prefix.len()), tensor)).collect();
    Ok((own, Taken { key, class, prefix, ..Taken::default() }))
}

impl Taken {
    /// The sentence for people, `file` being the file's name; nothing where the file holds the weights and no more.
    pub(super) fn sentence(&self, file: &str) -> Option<String> {
        let Self { key, class, prefix, left, others } = self;
        if key.is_empty() && class.is_none() && prefix.is_empty() && others.is_empty() {
            return None;
        }
        let parameters = class.as_ref().map(|class| format!("the parameters of the pickled {class}"));
        let mut text = match (parameters, key.is_empty()) {
            (None, true) => format!("weights: {file}"),
            (None, false) => format!("weights: {} of {file}", shown(key)),
            (Some(parameters), true) => format!("weights: {parameters} in {file}"),
            (Some(parameters), false) => format!("weights: {} of {file}, {parameters}", shown(key)),
        };
        if !prefix.is_empty() {
            text += &format!(", prefix {} removed", shown(prefix));
        }
        if !left.is_empty() {
            let what = if left.len() == 1 { "other tensor is" } else { "other tensors are" };
            text +=
                &format!(", {} {what} left out ({})", left.len(), listed(left, KEYS_SHOWN, String::clone));
        }
        for (averaged, what) in [(true, "averaged weights"), (false, "other weights")] {
            let keys: Vec<&String> =
                others.iter().filter(|(_, is)| *is == averaged).map(|(key, _)| key).collect();
            if let Some(first) = keys.first() {
                let keys = listed(&keys, KEYS_SHOWN, |key| (*key).clone());
                text += &format!("; {what} are there under {keys} (--weights-key {first})");
            }
        }
        Some(text)
    }
}
