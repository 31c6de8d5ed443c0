//! Confident learning (Northcutt, Jiang & Chuang 2021, "Confident learning: estimating uncertainty in dataset labels"):
//! how many labels of which class are wrong, from predicted probabilities.

use super::argmax;
use crate::error::{Result, check_labels, check_length};

/// Rounding of f32 probabilities that are to reach a mean of themselves; cleanlab's.
const SLACK: f64 = 1e-6;

/// Counts of samples by given label and by the class that the predictions confidently give.
///
/// A prediction is confident in a class where its probability is at least the mean probability of that class among the
/// samples given it: so a class that is seldom predicted with certainty needs less of it. Where several classes reach
/// theirs, the most probable of them counts; a sample that reaches none is not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfidentJoint {
    classes: usize,
    /// `[C, C]`, row-major: given label, then predicted class.
    counts: Vec<usize>,
    /// Samples given each label.
    given: Vec<usize>,
}

impl ConfidentJoint {
    /// Counts. A row of probabilities with NaN is not counted.
    ///
    /// # Shapes
    /// `probabilities`: `[N, classes]`, row-major; `labels`: the N given labels.
    ///
    /// # Errors
    /// [`crate::Error::Length`] where the lengths do not fit; [`crate::Error::Label`].
    pub fn count(probabilities: &[f32], labels: &[usize], classes: usize) -> Result<Self> {
        check_labels(labels, classes)?;
        check_length("probabilities", labels.len().saturating_mul(classes), probabilities.len())?;
        let rows = || {
            let rows = probabilities.chunks_exact(classes.max(1)).zip(labels);
            rows.filter(|(row, _)| !row.iter().any(|p| p.is_nan()))
        };
        let (mut sums, mut known) = (vec![0.0; classes], vec![0usize; classes]);
        for (row, &label) in rows() {
            sums[label] += f64::from(row[label]);
            known[label] += 1;
        }
        // No prediction reaches the threshold of a class that no sample is given.
        let mean = |(sum, &count): (&f64, &usize)| {
            if count == 0 { f64::INFINITY } else { sum / count as f64 }
        };
        let thresholds: Vec<f64> = sums.iter().zip(&known).map(mean).collect();
        let mut counts = vec![0; classes * classes];
        for (row, &label) in rows() {
            let reached: Vec<f32> = row
                .iter()
                .zip(&thresholds)
                .map(|(&p, threshold)| if f64::from(p) >= threshold - SLACK { p } else { -1.0 })
                .collect();
            let class = argmax(&reached);
            if reached[class] >= 0.0 {
                counts[label * classes + class] += 1;
            }
        }
        let mut given = vec![0; classes];
        labels.iter().for_each(|&label| given[label] += 1);
        Ok(Self { classes, counts, given })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The counts `[C, C]`, row-major: given label, then predicted class.
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// The joint distribution `[C, C]` of given and true label, row-major: each row scaled to the share of samples that are
    /// given its label. A label whose samples are all uncounted is taken as right.
    pub fn joint(&self) -> Vec<f64> {
        let samples = self.given.iter().sum::<usize>().max(1) as f64;
        let size = self.classes.max(1);
        let mut joint = vec![0.0; self.counts.len()];
        for (label, (row, out)) in
            self.counts.chunks_exact(size).zip(joint.chunks_exact_mut(size)).enumerate()
        {
            let share = self.given[label] as f64 / samples;
            match row.iter().sum::<usize>() {
                0 => out[label] = share,
                counted => out.iter_mut().zip(row).for_each(|(q, &n)| *q = share * n as f64 / counted as f64),
            }
        }
        joint
    }

    /// The share of labels that are wrong, 0 to 1: what is off the joint distribution's diagonal.
    pub fn noise_rate(&self) -> f64 {
        let joint = self.joint();
        let off = |&(place, _): &(usize, &f64)| place / self.classes != place % self.classes;
        joint.iter().enumerate().filter(off).map(|(_, q)| q).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_predicted_with_less_certainty_needs_less() {
        // Thresholds: class 0 (0.9 + 0.8 + 0.1) / 3 = 0.6, class 1 (0.4 + 0.3) / 2 = 0.35.
        let p = [0.9, 0.1, 0.8, 0.2, 0.1, 0.9, 0.6, 0.4, 0.7, 0.3];
        let joint = ConfidentJoint::count(&p, &[0, 0, 0, 1, 1], 2).unwrap();
        assert_eq!(joint.counts(), [2, 1, 2, 0]);
        assert!((joint.noise_rate() - (3.0 / 5.0 / 3.0 + 2.0 / 5.0)).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_counted_does_not_make_labels_wrong() {
        let joint = ConfidentJoint::count(&[f32::NAN, 0.5, 0.5, 0.5], &[0, 1], 2).unwrap();
        assert_eq!(joint.counts(), [0, 0, 0, 1]);
        assert_eq!(joint.noise_rate(), 0.0);
        assert_eq!(ConfidentJoint::count(&[], &[], 0).unwrap().noise_rate(), 0.0);
        assert!(ConfidentJoint::count(&[0.5], &[0], 2).is_err());
        assert!(ConfidentJoint::count(&[0.5, 0.5], &[2], 2).is_err());
    }
}
