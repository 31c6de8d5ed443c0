//! The probability of each given label, for each true class.

use rand::Rng;

use super::cifar;
use super::draw::pick;
use crate::error::{Error, Result};

/// The largest distance of a row's sum from 1: matrices in files are rounded.
const ROUNDING: f64 = 1e-6;

/// A square matrix of probabilities; row: true class, column: given label; each row sums to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    rows: Vec<Vec<f64>>,
}

impl Transition {
    /// The matrix with these rows. The sum of a row may differ from 1 by 1e-6, as with rounded numbers; rows are normalised.
    ///
    /// # Errors
    /// [`Error::Transition`] for the first row that is not a distribution over the classes.
    pub fn new(rows: Vec<Vec<f64>>) -> Result<Self> {
        let classes = rows.len();
        let mut normalised = rows;
        for (row, entries) in normalised.iter_mut().enumerate() {
            let wrong = |reason: String| Err(Error::Transition { row, reason });
            if entries.len() != classes {
                return wrong(format!("{} entries in a matrix of {classes} rows", entries.len()));
            }
            if let Some(column) = entries.iter().position(|p| !(0.0..=1.0 + ROUNDING).contains(p)) {
                return wrong(format!("entry {column} is {}, which is not a probability", entries[column]));
            }
            let sum: f64 = entries.iter().sum();
            if (sum - 1.0).abs() > ROUNDING {
                return wrong(format!("the sum is {sum}"));
            }
            entries.iter_mut().for_each(|p| *p /= sum);
        }
        Ok(Self { rows: normalised })
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
        self.rows.len()
    }

    /// The rows, one for each true class.
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// The matrix that maps each class to its target with probability 1.
    fn deterministic(target: &[usize]) -> Self {
        let row = |&to: &usize| (0..target.len()).map(|class| f64::from(u8::from(class == to))).collect();
        Self { rows: target.iter().map(row).collect() }
    }

    /// A label drawn for a sample of class `truth`, which must be below [`Self::classes`].
    pub(super) fn draw<R: Rng + ?Sized>(&self, truth: usize, rng: &mut R) -> usize {
        pick(self.rows[truth].iter().copied().enumerate(), 1.0, rng).unwrap_or(truth)
    }
}
