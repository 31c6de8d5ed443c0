//! The noise of labels: measured where the truth is known, else estimated.

use serde::{Deserialize, Serialize};

use crate::class_pairs::{ClassPairs, check_full_matrix};
use crate::class_table::ClassTable;
use crate::error::{Error, Result, check_length};
use crate::metrics::confusion;
use crate::quality::ConfidentJoint;

/// The joint distribution of true and given label, with the noise rate and the transition matrix that follow from it.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelNoise {
    /// True class by given label. The sum is 1, or 0 without samples.
    joint: ClassPairs<f64>,
}

/// The distance of an estimate from the real noise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimationError {
    /// Estimated less real noise rate.
    pub rate: f64,
    /// Total variation distance of the rows of both transition matrices, `1/2 sum_g |T'_tg - T_tg|`, averaged over the
    /// samples: 0 to 1.
    pub total_variation: f64,
    /// Mean absolute difference of the entries of both transition matrices, over the rows of classes that occur.
    pub mean_absolute: f64,
}

impl LabelNoise {
    /// The noise of given labels whose truth is known.
    ///
    /// # Errors
    /// [`Error::Label`] for an id that is no class; [`Error::Length`] where the lengths differ.
    pub fn measured(given: &[usize], truth: &[usize], classes: usize) -> Result<Self> {
        let counts = confusion(truth, given, classes)?;
        let share = |count: usize| count as f64 / truth.len().max(1) as f64;
        let shares = |row: &[(usize, usize)]| row.iter().map(|&(label, n)| (label, share(n))).collect();
        Ok(Self { joint: counts.map_rows(|_, row| shares(row)) })
    }

    /// The noise estimated by confident learning (Northcutt, Jiang & Chuang 2021, section 3.1): the joint distribution of
    /// [`ConfidentJoint`], in which each given label has the share of samples that have it.
    pub fn by_confident_joint(counts: &ConfidentJoint) -> Self {
        Self { joint: counts.joint().transposed() }
    }

    /// The noise estimated by DivideMix's division (Li, Socher & Hoi 2020). A sample whose label g is clean with probability w is of
    /// class g with probability w, and of each other class c with `(1 - w) p_c / sum_{k != g} p_k`. So the rate is the mean of 1 - w.
    ///
    /// Predictions that do not rank the other classes (NaN, or all probability on g) give them all the same probability. The
    /// mixture takes hard images for wrongly labelled ones, so this estimate tends to be too high. A degenerate division believes
    /// every label, so its estimate is 0.
    ///
    /// # Shapes
    /// `clean_probability`: N values in `0..=1`; `probabilities`: `[N, C]`; `given`: N ids below C.
    ///
    /// # Errors
    /// [`Error::Length`] where the lengths do not fit; [`Error::Label`] for an id that is not a class; [`Error::OutOfRange`] for a
    /// clean probability that is not in `0..=1`; [`Error::TooManyClasses`] above
    /// [`crate::MOST_CLASSES_OF_A_FULL_MATRIX`], because each sample adds to all classes.
    pub fn by_division(
        clean_probability: &[f64],
        probabilities: &ClassTable,
        given: &[usize],
    ) -> Result<Self> {
        probabilities.check_labels("probabilities", given)?;
        check_length("clean probabilities", given.len(), clean_probability.len())?;
        let classes = probabilities.classes();
        if let Some(&value) = clean_probability.iter().find(|w| !(0.0..=1.0).contains(*w)) {
            return Err(Error::OutOfRange { name: "clean probability", value, range: "in 0..=1" });
        }
        check_full_matrix("the noise of a division", classes)?;
        // [C, C]: given label, then true class, so that a sample adds to one row.
        let mut by_given = vec![0.0; classes * classes];
        let rows = probabilities.rows().zip(given);
        for ((row, &label), &clean) in rows.zip(clean_probability) {
            let sums = &mut by_given[label * classes..][..classes];
            if classes == 1 {
                // There is no other class to be of.
                sums[label] += 1.0;
                continue;
            }
            sums[label] += clean;
            let others = || row.iter().enumerate().filter(|&(class, _)| class != label);
            let mass: f64 = others().map(|(_, &p)| f64::from(p)).sum();
            let says_nothing = !(mass > 0.0 && mass.is_finite());
            for (class, &p) in others() {
                let share = if says_nothing { 1.0 / (classes - 1) as f64 } else { f64::from(p) / mass };
                sums[class] += (1.0 - clean) * share;
            }
        }
        let samples = given.len().max(1) as f64;
        let of_class = |class: usize| -> Vec<f64> {
            (0..classes).map(|label| by_given[label * classes + class] / samples).collect()
        };
        Ok(Self { joint: ClassPairs::from_rows((0..classes).map(of_class))? })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.joint.classes()
    }

    /// The joint distribution: true class by given label.
    pub fn joint(&self) -> &ClassPairs<f64> {
        &self.joint
    }

    /// The share of labels that are wrong, 0 to 1: the sum off the diagonal. It is 0 without samples.
    pub fn rate(&self) -> f64 {
        self.joint.off_diagonal()
    }

    /// The probability of each given label (second class) for each true class (first class). The row of a class without samples is
    /// empty.
    pub fn transition(&self) -> ClassPairs<f64> {
        self.joint.map_rows(|_, row| {
            let sum: f64 = row.iter().map(|(_, share)| share).sum();
            row.iter().map(|&(label, share)| (label, share / sum)).collect()
        })
    }

    /// The distance of this estimate from the real noise. A class without samples in the estimate counts as one without noise.
    ///
    /// # Errors
    /// [`Error::Length`] where the numbers of classes differ.
    pub fn error_against(&self, real: &Self) -> Result<EstimationError> {
        let classes = real.classes();
        check_length("classes of the estimate", classes, self.classes())?;
        let (estimates, truths) = (self.transition(), real.transition());
        let (mut total_variation, mut absolute, mut rows) = (0.0, 0.0, 0usize);
        for class in (0..classes).filter(|&class| !truths.row(class).is_empty()) {
            let clean = [(class, 1.0)];
            let estimated = match estimates.row(class) {
                [] => &clean,
                row => row,
            };
            let difference = distance(estimated, truths.row(class));
            let share: f64 = real.joint.row(class).iter().map(|(_, share)| share).sum();
            total_variation += share * difference / 2.0;
            absolute += difference;
            rows += 1;
        }
        Ok(EstimationError {
            rate: self.rate() - real.rate(),
            total_variation,
            mean_absolute: absolute / (rows * classes).max(1) as f64,
        })
    }
}

/// The sum of the absolute differences of two rows, whose columns ascend.
fn distance(mut a: &[(usize, f64)], mut b: &[(usize, f64)]) -> f64 {
    let mut sum = 0.0;
    loop {
        let next = a.first().into_iter().chain(b.first()).map(|(column, _)| *column).min();
        let Some(next) = next else { return sum };
        let take = |row: &mut &[(usize, f64)]| match row.split_first() {
            Some((&(column, value), rest)) if column == next => {
                *row = rest;
                value
            }
            _ => 0.0,
        };
        sum += (take(&mut a) - take(&mut b)).abs();
    }
}
