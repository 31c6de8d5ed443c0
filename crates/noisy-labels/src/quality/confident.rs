//! Confident learning (Northcutt, Jiang & Chuang 2021, "Confident learning: estimating uncertainty in dataset labels"):
//! how many labels of which class are wrong, from predicted probabilities.

use crate::class_table::{ClassTable, argmax};
use crate::error::Result;

/// The amount by which an f32 probability may miss a threshold through rounding, as in cleanlab.
const SLACK: f64 = 1e-6;

/// Counts of samples by given label and by the class that the predictions confidently give.
///
/// A prediction is confident in a class where its probability is at least the mean probability of that class among the
/// samples given it, which is the class's threshold. So a class that is seldom predicted with certainty has a lower threshold. Where
/// several classes reach theirs, the most probable of them counts; a sample that reaches none is not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfidentJoint {
    classes: usize,
    /// `[C, C]`, row-major: given label by predicted class.
    counts: Vec<usize>,
    /// The number of samples given each label.
    given: Vec<usize>,
}

impl ConfidentJoint {
    /// The counts of these predictions. A row of probabilities with a NaN is not counted.
    ///
    /// # Shapes
    /// `probabilities`: `[N, C]`; `labels`: the N given labels.
    ///
    /// # Errors
    /// [`crate::Error::Length`] where the lengths do not fit; [`crate::Error::Label`] for a label that is not a class.
    pub fn count(probabilities: &ClassTable, labels: &[usize]) -> Result<Self> {
        probabilities.check_labels("probabilities", labels)?;
        let classes = probabilities.classes();
        let rows = || {
            let rows = probabilities.rows().zip(labels);
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

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The counts `[C, C]`, row-major: given label by predicted class.
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// The joint distribution `[C, C]` of given and true label, row-major: each row of counts, scaled to the share of samples that are
    /// given its label. A label of which no sample was counted is taken to be right.
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

    /// The share of labels that are wrong, 0 to 1: the sum of the joint distribution off its diagonal.
    pub fn noise_rate(&self) -> f64 {
        let joint = self.joint();
        let off = |&(place, _): &(usize, &f64)| place / self.classes != place % self.classes;
        joint.iter().enumerate().filter(off).map(|(_, q)| q).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(probabilities: &[f32], labels: &[usize], classes: usize) -> ConfidentJoint {
        ConfidentJoint::count(&ClassTable::new(probabilities.to_vec(), classes).unwrap(), labels).unwrap()
    }

    #[test]
    fn a_class_predicted_with_less_certainty_needs_less() {
        // Thresholds: class 0 (0.9 + 0.8 + 0.1) / 3 = 0.6, class 1 (0.4 + 0.3) / 2 = 0.35.
        let p = [0.9, 0.1, 0.8, 0.2, 0.1, 0.9, 0.6, 0.4, 0.7, 0.3];
        let joint = count(&p, &[0, 0, 0, 1, 1], 2);
        assert_eq!(joint.counts(), [2, 1, 2, 0]);
        assert!((joint.noise_rate() - (3.0 / 5.0 / 3.0 + 2.0 / 5.0)).abs() < 1e-12);
    }

    #[test]
    fn a_probability_of_0_reaches_a_threshold_of_0() {
        // Thresholds: class 0 0.0, class 1 0.9.
        let joint = count(&[0.0, 0.4, 0.1, 0.9], &[0, 1], 2);
        assert_eq!(joint.counts(), [1, 0, 0, 1]);
    }

    #[test]
    fn what_is_not_counted_does_not_make_labels_wrong() {
        let joint = count(&[f32::NAN, 0.5, 0.5, 0.5], &[0, 1], 2);
        assert_eq!(joint.counts(), [0, 0, 0, 1]);
        assert_eq!(joint.noise_rate(), 0.0);
        assert_eq!(count(&[], &[], 0).noise_rate(), 0.0);
        let row = ClassTable::new(vec![0.5, 0.5], 2).unwrap();
        assert!(ConfidentJoint::count(&row, &[0, 0]).is_err() && ConfidentJoint::count(&row, &[2]).is_err());
    }
}
