//! The probability of each given label, for each true class.

use rand::Rng;

use super::cifar;
use super::draw::pick;
use crate::class_pairs::ClassPairs;
use crate::error::{Error, Result};

/// The largest distance of a row's sum from 1: matrices in files are rounded.
const ROUNDING: f64 = 1e-6;

/// A square matrix of probabilities; row: true class, column: given label; each row sums to 1. Probabilities of 0 take no memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    pairs: ClassPairs<f64>,
}

impl Transition {
    /// The matrix with these rows. The sum of a row may differ from 1 by 1e-6, as with rounded numbers; rows are normalised.
    ///
    /// # Errors
    /// [`Error::Transition`] for the first row that is not a distribution over the classes.
    pub fn new(rows: Vec<Vec<f64>>) -> Result<Self> {
        let classes = rows.len();
        if let Some((row, entries)) = rows.iter().enumerate().find(|(_, row)| row.len() != classes) {
            let reason = format!("{} entries in a matrix of {classes} rows", entries.len());
            return Err(Error::Transition { row, reason });
        }
        Self::from_pairs(&ClassPairs::from_rows(rows.iter())?)
    }

    /// The matrix of these probabilities, by true class and given label; see [`Self::new`].
    ///
    /// # Errors
    /// [`Error::Transition`] for the first row that is not a distribution over the classes.
    pub fn from_pairs(pairs: &ClassPairs<f64>) -> Result<Self> {
        let mut sums = Vec::with_capacity(pairs.classes());
        for row in 0..pairs.classes() {
            let wrong = |reason: String| Err(Error::Transition { row, reason });
            let entries = pairs.row(row);
            if let Some((column, p)) = entries.iter().find(|(_, p)| !(0.0..=1.0 + ROUNDING).contains(p)) {
                return wrong(format!("entry {column} is {p}, which is not a probability"));
            }
            let sum: f64 = entries.iter().map(|(_, p)| p).sum();
            if (sum - 1.0).abs() > ROUNDING {
                return wrong(format!("the sum is {sum}"));
            }
            sums.push(sum);
        }
        let normalised = |row: usize, entries: &[(usize, f64)]| {
            entries.iter().map(|&(column, p)| (column, p / sums[row])).collect()
        };
        Ok(Self { pairs: pairs.map_rows(normalised) })
    }

    /// The matrix that maps each named class to another (`(true, given)`), and every other class to itself. Names are compared
    /// without regard to capital letters and to the characters between words, unless a class has exactly the name.
    ///
    /// # Errors
    /// [`Error::MissingClasses`] with all names that are not among `classes`.
    pub fn mapping<S: AsRef<str>>(classes: &[S], pairs: &[(&str, &str)]) -> Result<Self> {
        let loose = |name: &str| -> String {
            name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let loosened: Vec<String> = classes.iter().map(|class| loose(class.as_ref())).collect();
        let id = |name: &str| {
            let exact = classes.iter().position(|class| class.as_ref() == name);
            exact.or_else(|| loosened.iter().position(|class| *class == loose(name)))
        };
        let mut target: Vec<usize> = (0..classes.len()).collect();
        let mut missing: Vec<String> = Vec::new();
        for (from, to) in pairs {
            match (id(from), id(to)) {
                (Some(from), Some(to)) => target[from] = to,
                (from_id, to_id) => {
                    let absent = [(from, from_id), (to, to_id)].into_iter().filter(|(_, id)| id.is_none());
                    missing.extend(absent.map(|(name, _)| (*name).to_owned()));
                }
            }
        }
        if missing.is_empty() {
            return Ok(Self::deterministic(&target));
        }
        missing.sort();
        missing.dedup();
        Err(Error::MissingClasses { names: missing, classes: classes.len() })
    }

    /// CIFAR-10's published mapping, by class names: truck to automobile, bird to airplane, deer to horse, cat and dog
    /// to each other (Patrini et al. 2017, section 5).
    ///
    /// # Errors
    /// [`Error::MissingClasses`] where classes of these names are missing.
    pub fn cifar10<S: AsRef<str>>(classes: &[S]) -> Result<Self> {
        Self::mapping(classes, &cifar::CIFAR10)
    }

    /// CIFAR-100's published mapping, by class names: each class to the next of its superclass, in the order of the
    /// alphabet, the last to the first (Patrini et al. 2017, section 5).
    ///
    /// # Errors
    /// [`Error::MissingClasses`] where classes of these names are missing.
    pub fn cifar100<S: AsRef<str>>(classes: &[S]) -> Result<Self> {
        Self::mapping(classes, &cifar::within_superclasses())
    }

    /// The published mapping of the set that has these class names: [`Self::cifar10`]'s or [`Self::cifar100`]'s.
    ///
    /// # Errors
    /// [`Error::MissingClasses`] with the missing names of the mapping that misses the smaller share of its names.
    pub fn published<S: AsRef<str>>(classes: &[S]) -> Result<Self> {
        let lacking = |error: &Error, names: usize| match error {
            Error::MissingClasses { names: missing, .. } => missing.len() as f64 / names as f64,
            _ => 1.0,
        };
        match (Self::cifar10(classes), Self::cifar100(classes)) {
            (Ok(mapping), _) | (_, Ok(mapping)) => Ok(mapping),
            (Err(of_10), Err(of_100)) => {
                let ten_is_nearer =
                    lacking(&of_10, cifar::CIFAR10_NAMED) <= lacking(&of_100, cifar::CIFAR100_NAMED);
                Err(if ten_is_nearer { of_10 } else { of_100 })
            }
        }
    }

    /// The matrix of pair flip: each class is mapped to the next, the last to the first.
    pub fn pair_flip(classes: usize) -> Self {
        let target: Vec<usize> = (1..classes).chain([0]).take(classes).collect();
        Self::deterministic(&target)
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.pairs.classes()
    }

    /// The probabilities by true class (first) and given label (second).
    pub fn pairs(&self) -> &ClassPairs<f64> {
        &self.pairs
    }

    /// The matrix that maps each class to its target with probability 1.
    fn deterministic(target: &[usize]) -> Self {
        let mut pairs = ClassPairs::new(target.len());
        target.iter().enumerate().for_each(|(class, &to)| pairs.add(class, to, 1.0));
        Self { pairs }
    }

    /// A label drawn for a sample of class `truth`, which must be below [`Self::classes`].
    pub(super) fn draw<R: Rng + ?Sized>(&self, truth: usize, rng: &mut R) -> usize {
        pick(self.pairs.row(truth).iter().copied(), 1.0, rng).unwrap_or(truth)
    }
}
