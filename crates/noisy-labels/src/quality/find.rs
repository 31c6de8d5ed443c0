//! From labels and predicted probabilities to a ranked list of wrong labels, in one call.

use super::confident::ConfidentJoint;
use super::issue::{label_issues, suggested_label};
use super::scores::normalized_margin;
use crate::class_table::ClassTable;
use crate::error::{Error, Result, check_entries};

/// The largest distance of a row's sum from 1. Probabilities that were kept as half-precision numbers, or rounded to three digits, are
/// within it.
const TOLERANCE: f64 = 0.01;

/// A label that is probably wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Issue {
    /// The index of the sample.
    pub sample: usize,
    /// The label that the sample is given.
    pub given: usize,
    /// The class that is more probable than any other; never the given label.
    pub suggested: usize,
    /// The quality of the given label by [`normalized_margin`], in `0..=1`, where a low value means a bad label.
    pub quality: f64,
}

/// The labels that are probably wrong, the worst first.
///
/// How many labels are wrong is estimated by confident learning ([`ConfidentJoint::noise_rate`]); the issues are as many labels of the
/// lowest [`normalized_margin`] to which another class is suggested ([`label_issues`]). This is `find_label_issues` of cleanlab
/// with `filter_by="low_normalized_margin"`, apart from the number, for which cleanlab counts the samples off the joint's diagonal.
///
/// The probabilities should be out of sample, for example by cross-validation: a network that has learnt the labels by heart agrees
/// with the wrong ones, too. In-sample probabilities still rank labels where they are means over the epochs of training
/// ([`crate::quality::MarginHistory`]).
///
/// # Shapes
/// `labels`: N ids below C; `probabilities`: `[N, C]`, each row a distribution over the classes. A class may have no labels.
///
/// # Errors
/// [`Error::Length`] where the lengths differ; [`Error::Label`] for an id that is not a class; [`Error::Entry`] for the first probability
/// that is NaN or not in `0..=1`; [`Error::RowSum`] for the first row whose sum is not within 0.01 of 1.
pub fn find_label_issues(labels: &[usize], probabilities: &ClassTable) -> Result<Vec<Issue>> {
    probabilities.check_labels("probabilities", labels)?;
    check_distributions(probabilities)?;
    let noise_rate = ConfidentJoint::count(probabilities, labels)?.noise_rate();
    let quality = normalized_margin(probabilities, labels)?;
    let rows = probabilities.rows().zip(labels);
    let suggested: Vec<usize> = rows.map(|(row, &given)| suggested_label(row, given)).collect();
    let is_issue = label_issues(&quality, labels, &suggested, noise_rate)?;
    let issue = |sample: usize| Issue {
        sample,
        given: labels[sample],
        suggested: suggested[sample],
        quality: quality[sample],
    };
    let mut issues: Vec<Issue> = (0..labels.len()).filter(|&sample| is_issue[sample]).map(issue).collect();
    // Stable: of equal qualities the first sample first.
    issues.sort_by(|a, b| a.quality.total_cmp(&b.quality));
    Ok(issues)
}

/// Checks that each row is a distribution over the classes.
fn check_distributions(probabilities: &ClassTable) -> Result<()> {
    let (what, range) = ("probabilities", "in 0..=1");
    let allowed = |p: f32| (0.0..=1.0 + TOLERANCE as f32).contains(&p);
    check_entries(what, probabilities.values(), probabilities.classes(), range, allowed)?;
    for (sample, row) in probabilities.rows().enumerate() {
        let sum: f64 = row.iter().map(|&p| f64::from(p)).sum();
        if (sum - 1.0).abs() > TOLERANCE {
            return Err(Error::RowSum { what, sample, sum, tolerance: TOLERANCE });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(labels: &[usize], probabilities: &[f32], classes: usize) -> Result<Vec<Issue>> {
        find_label_issues(labels, &ClassTable::new(probabilities.to_vec(), classes)?)
    }

    /// Rows that give 0.94 to each sample's true class, or less by its index in thousandths, and the same to each other class.
    fn predictions(truth: &[usize], classes: usize) -> Vec<f32> {
        let row = |(i, &truth): (usize, &usize)| {
            let sure = 0.94 - 0.001 * (i % 50) as f32;
            let rest = (1.0 - sure) / (classes - 1) as f32;
            (0..classes).map(move |class| if class == truth { sure } else { rest })
        };
        truth.iter().enumerate().flat_map(row).collect()
    }

    #[test]
    fn the_issues_are_the_wrong_labels_worst_first_with_the_true_class() {
        let truth: Vec<usize> = (0..90).map(|i| i % 3).collect();
        let mut labels = truth.clone();
        for sample in [4, 51, 57] {
            labels[sample] = (truth[sample] + 1) % 3;
        }
        let issues = find(&labels, &predictions(&truth, 3), 3).unwrap();
        assert_eq!(issues.iter().map(|issue| issue.sample).collect::<Vec<_>>(), [51, 4, 57]);
        assert!(issues.iter().all(|issue| issue.suggested == truth[issue.sample]));
        assert!(issues.iter().all(|issue| issue.given == labels[issue.sample]));
        assert!(issues.is_sorted_by(|a, b| a.quality < b.quality) && issues[2].quality < 0.1);
    }

    #[test]
    fn wrong_labels_of_a_class_that_no_sample_is_given_are_found_like_the_others() {
        // Of 400 samples of four classes, all 100 of the last and a tenth of the others have a wrong label.
        let truth: Vec<usize> = (0..400).map(|i| i % 4).collect();
        let wrong = |i: usize| truth[i] == 3 || (i / 4).is_multiple_of(10);
        let labels: Vec<usize> =
            (0..400).map(|i| if wrong(i) { (truth[i] + 1) % 4 % 3 } else { truth[i] }).collect();
        let different: Vec<usize> = (0..400).filter(|&i| labels[i] != truth[i]).collect();
        let mut found: Vec<usize> = find(&labels, &predictions(&truth, 4), 4)
            .unwrap()
            .into_iter()
            .map(|issue| issue.sample)
            .collect();
        found.sort_unstable();
        assert_eq!(found, different);
    }

    #[test]
    fn without_samples_without_wrong_labels_and_with_one_class_there_are_no_issues() {
        assert_eq!(find(&[], &[], 3).unwrap(), []);
        assert_eq!(find(&[0, 1], &[0.9, 0.1, 0.2, 0.8], 2).unwrap(), []);
        assert_eq!(find(&[0, 0], &[1.0, 1.0], 1).unwrap(), []);
    }

    #[test]
    fn what_is_no_distribution_over_the_classes_is_refused_with_its_place() {
        let refused = |labels: &[usize], p: &[f32]| find(labels, p, 2).unwrap_err().to_string();
        assert_eq!(refused(&[0], &[0.5, 0.5, 0.5, 0.5]), "probabilities: found 2, expected 1");
        assert!(refused(&[0, 2], &[0.5; 4]).starts_with("label 2 of sample 1"));
        let nan = refused(&[0, 1], &[0.5, 0.5, f32::NAN, 0.5]);
        assert_eq!(nan, "probabilities of sample 1: number 0 is NaN, must be in 0..=1");
        assert!(refused(&[0], &[1.5, -0.5]).contains("number 0 is 1.5"));
        assert!(refused(&[0], &[0.25, 0.25]).contains("sample 0: the sum is 0.5, must be 1"));
        assert!(find(&[0], &[0.502, 0.503], 2).is_ok(), "rounded to three digits");
    }
}
