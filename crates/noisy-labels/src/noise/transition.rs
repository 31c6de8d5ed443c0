//! The probability of each given label, for each true class.

use rand::Rng;

use crate::error::{Error, Result};

/// How far a row's sum may be from 1: matrices in files are rounded.
const ROUNDING: f64 = 1e-6;

/// CIFAR-10's published asymmetric noise (Patrini et al. 2017, section 5): mistakes that people make too.
const CIFAR10_PAIRS: [(&str, &str); 5] =
    [("truck", "automobile"), ("bird", "airplane"), ("deer", "horse"), ("cat", "dog"), ("dog", "cat")];

/// A square matrix of probabilities; row: true class, column: given label; each row sums to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    rows: Vec<Vec<f64>>,
}

impl Transition {
    /// A matrix of one's own. Rows may be off 1 by 1e-6, as rounded ones are, and are normalised.
    ///
    /// # Errors
    /// [`Error::Transition`] for the first row that is no distribution over the classes.
    pub fn new(rows: Vec<Vec<f64>>) -> Result<Self> {
        let classes = rows.len();
        let mut normalised = rows;
        for (row, entries) in normalised.iter_mut().enumerate() {
            let wrong = |reason: String| Err(Error::Transition { row, reason });
            if entries.len() != classes {
                return wrong(format!("{} entries in a matrix of {classes} rows", entries.len()));
            }
            if let Some(column) = entries.iter().position(|p| !(0.0..=1.0 + ROUNDING).contains(p)) {
                return wrong(format!("entry {column} is {}, no probability", entries[column]));
            }
            let sum: f64 = entries.iter().sum();
            if (sum - 1.0).abs() > ROUNDING {
                return wrong(format!("the sum is {sum}"));
            }
            entries.iter_mut().for_each(|p| *p /= sum);
        }
        Ok(Self { rows: normalised })
    }

    /// Maps each named class to another (`(true, given)`), and every other class to itself.
    ///
    /// # Errors
    /// [`Error::MissingClass`] for a name that is not among `classes`.
    pub fn mapping<S: AsRef<str>>(classes: &[S], pairs: &[(&str, &str)]) -> Result<Self> {
        let id = |name: &str| {
            classes
                .iter()
                .position(|class| class.as_ref() == name)
                .ok_or_else(|| Error::MissingClass { name: name.to_owned(), classes: classes.len() })
        };
        let mut target: Vec<usize> = (0..classes.len()).collect();
        for (from, to) in pairs {
            let from = id(from)?;
            target[from] = id(to)?;
        }
        Ok(Self::deterministic(&target))
    }

    /// CIFAR-10's published mapping, by class names: truck to automobile, bird to airplane, deer to horse, cat and dog
    /// to each other.
    ///
    /// # Errors
    /// [`Error::MissingClass`] where a class of these names is lacking.
    pub fn cifar10<S: AsRef<str>>(classes: &[S]) -> Result<Self> {
        Self::mapping(classes, &CIFAR10_PAIRS)
    }

    /// Pair flip: each class is taken for the next, the last for the first.
    pub fn pair_flip(classes: usize) -> Self {
        let target: Vec<usize> = (1..classes).chain([0]).take(classes).collect();
        Self::deterministic(&target)
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.rows.len()
    }

    /// The rows, one a true class.
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// Each class goes to its target with certainty.
    fn deterministic(target: &[usize]) -> Self {
        let row = |&to: &usize| (0..target.len()).map(|class| f64::from(u8::from(class == to))).collect();
        Self { rows: target.iter().map(row).collect() }
    }

    /// A label for a sample of class `truth`, which must be below [`Self::classes`].
    pub(super) fn draw<R: Rng + ?Sized>(&self, truth: usize, rng: &mut R) -> usize {
        let mut left: f64 = rng.random();
        let mut last = truth;
        for (label, &p) in self.rows[truth].iter().enumerate().filter(|&(_, &p)| p > 0.0) {
            last = label;
            if left < p {
                break;
            }
            left -= p;
        }
        // Rounding may leave a rest after the last entry that is not 0: it is that entry's.
        last
    }
}
