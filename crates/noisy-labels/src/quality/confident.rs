//! Confident learning (Northcutt, Jiang & Chuang 2021, "Confident learning: estimating uncertainty in dataset labels"):
//! how many labels of which class are wrong, from predicted probabilities.

use crate::class_pairs::ClassPairs;
use crate::class_table::{ClassTable, argmax};
use crate::error::Result;

/// The amount by which an f32 probability may miss a threshold through rounding, as in cleanlab.
const SLACK: f64 = 1e-6;

/// Counts of samples by given label and by the class that the predictions confidently give.
///
/// A prediction is confident in a class where its probability is at least the mean probability of that class among the
/// samples given it, which is the class's threshold. So a class that is seldom predicted with certainty has a lower threshold. Where
/// several classes reach theirs, the most probable of them counts; a sample that reaches none is not counted.
///
/// A class that no sample is given has the mean probability of the given labels of all samples for a threshold, so wrong labels of
/// its samples are counted like all others. (cleanlab gives it a threshold that nothing reaches.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfidentJoint {
    /// Given label by predicted class.
    counts: ClassPairs<usize>,
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
        let mut given = vec![0; classes];
        labels.iter().for_each(|&label| given[label] += 1);
        // No prediction reaches the threshold of a class whose samples' rows all have a NaN.
        let mean = |sum: f64, count: usize| if count == 0 { f64::INFINITY } else { sum / count as f64 };
        let of_all = mean(sums.iter().sum(), known.iter().sum());
        let threshold =
            |class: usize| if given[class] == 0 { of_all } else { mean(sums[class], known[class]) };
        let thresholds: Vec<f64> = (0..classes).map(threshold).collect();
        let mut counts = ClassPairs::new(classes);
        let mut reached = vec![0.0; classes];
        for (row, &label) in rows() {
            for ((reached, &p), threshold) in reached.iter_mut().zip(row).zip(&thresholds) {
                *reached = if f64::from(p) >= threshold - SLACK { p } else { -1.0 };
            }
            let class = argmax(&reached);
            if reached[class] >= 0.0 {
                counts.add(label, class, 1);
            }
        }
        Ok(Self { counts, given })
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.counts.classes()
    }

    /// The counts: given label by predicted class.
    pub fn counts(&self) -> &ClassPairs<usize> {
        &self.counts
    }

    /// The joint distribution of given label and true class: each row of counts, scaled to the share of samples that are given its
    /// label. A label of which no sample was counted is taken to be right.
    pub fn joint(&self) -> ClassPairs<f64> {
        let samples = self.given.iter().sum::<usize>().max(1) as f64;
        self.counts.map_rows(|label, row| {
            let share = self.given[label] as f64 / samples;
            match row.iter().map(|(_, count)| count).sum::<usize>() {
                0 if self.given[label] == 0 => Vec::new(),
                0 => vec![(label, share)],
                counted => {
                    row.iter().map(|&(class, count)| (class, share * count as f64 / counted as f64)).collect()
                }
            }
        })
    }

    /// The share of labels that are wrong, 0 to 1: the sum of the joint distribution off its diagonal.
    pub fn noise_rate(&self) -> f64 {
        self.joint().off_diagonal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(probabilities: &[f32], labels: &[usize], classes: usize) -> ConfidentJoint {
        ConfidentJoint::count(&ClassTable::new(probabilities.to_vec(), classes).unwrap(), labels).unwrap()
    }

    fn counts(joint: &ConfidentJoint) -> Vec<usize> {
        joint.counts().full_rows().flatten().collect()
    }

    #[test]
    fn a_class_predicted_with_less_certainty_needs_less() {
        // Thresholds: class 0 (0.9 + 0.8 + 0.1) / 3 = 0.6, class 1 (0.4 + 0.3) / 2 = 0.35.
        let p = [0.9, 0.1, 0.8, 0.2, 0.1, 0.9, 0.6, 0.4, 0.7, 0.3];
        let joint = count(&p, &[0, 0, 0, 1, 1], 2);
        assert_eq!(counts(&joint), [2, 1, 2, 0]);
        assert!((joint.noise_rate() - (3.0 / 5.0 / 3.0 + 2.0 / 5.0)).abs() < 1e-12);
    }

    #[test]
    fn a_probability_of_0_reaches_a_threshold_of_0() {
        // Thresholds: class 0 0.0, class 1 0.9.
        let joint = count(&[0.0, 0.4, 0.1, 0.9], &[0, 1], 2);
        assert_eq!(counts(&joint), [1, 0, 0, 1]);
    }

    #[test]
    fn what_is_not_counted_does_not_make_labels_wrong() {
        let joint = count(&[f32::NAN, 0.5, 0.5, 0.5], &[0, 1], 2);
        assert_eq!(counts(&joint), [0, 0, 0, 1]);
        assert_eq!(joint.noise_rate(), 0.0);
        assert_eq!(count(&[], &[], 0).noise_rate(), 0.0);
        let row = ClassTable::new(vec![0.5, 0.5], 2).unwrap();
        assert!(ConfidentJoint::count(&row, &[0, 0]).is_err() && ConfidentJoint::count(&row, &[2]).is_err());
    }

    #[test]
    fn wrong_labels_of_a_class_that_no_sample_is_given_are_counted() {
        // Each class has 40 samples; of each class's a fifth is given a wrong label, and those of the last class all are.
        let truth: Vec<usize> = (0..160).map(|i| i % 4).collect();
        let wrong = |i: usize| i % 4 == 3 || (i / 4).is_multiple_of(5);
        let given: Vec<usize> = (0..160)
            .map(|i| if wrong(i) { (truth[i] + 1 + usize::from(truth[i] == 2)) % 4 } else { truth[i] })
            .collect();
        assert!(!given.contains(&3));
        let rows = truth.iter().flat_map(|&t| (0..4).map(move |c| if c == t { 0.91 } else { 0.03 }));
        let joint = count(&rows.collect::<Vec<f32>>(), &given, 4);
        assert_eq!((0..3).map(|label| joint.counts().get(label, 3)).sum::<usize>(), 40);
        assert_eq!((joint.noise_rate() * 160.0).round(), (0..160).filter(|&i| wrong(i)).count() as f64);
    }

    #[test]
    fn a_class_that_is_neither_given_nor_predicted_changes_nothing() {
        let p = [0.9, 0.1, 0.8, 0.2, 0.1, 0.9, 0.6, 0.4, 0.7, 0.3];
        let labels = [0, 0, 0, 1, 1];
        let wider: Vec<f32> = p.chunks(2).flat_map(|row| [row[0], row[1], 0.0]).collect();
        let (two, three) = (count(&p, &labels, 2), count(&wider, &labels, 3));
        assert_eq!(two.counts().iter().collect::<Vec<_>>(), three.counts().iter().collect::<Vec<_>>());
        assert_eq!(two.noise_rate(), three.noise_rate());
    }
}
