//! What a run found out about its images: how sure each label is, and which one it should have.

use std::collections::HashSet;

use dividemix::Outcome;
use image_folder::Sample;
use noisy_labels::evidence::NoiseRange;
use noisy_labels::metrics::confusion;
use noisy_labels::noise::LabelNoise;
use noisy_labels::quality::{ConfidentJoint, label_issues, suggested_label};
use noisy_labels::{ClassPairs, ClassTable, MOST_CLASSES_OF_A_FULL_MATRIX};

use super::evidence::{Evidence, HeldOut, Withheld};
use super::issue::{ImageSet, LabelIssue};
use crate::Result;
use crate::data::Sets;

/// What a run found out about a set of images, in the order of their paths.
pub(crate) struct Judged<'a> {
    set: ImageSet,
    pub(crate) samples: &'a [Sample],
    /// Quality of each label; 0 where the same image has another label, too, and 1 where a person has verified the label.
    pub(crate) quality: Vec<f64>,
    clean: Option<&'a [f64]>,
    /// Probabilities `[N, classes]`.
    probabilities: &'a ClassTable,
    /// How many labels are wrong, or why that is not said.
    pub(crate) range: std::result::Result<NoiseRange, Withheld>,
    /// The class that the networks would give each sample.
    pub(crate) suggested: Vec<usize>,
    /// Whether each label should be checked by a person; `None` where there is no evidence.
    pub(crate) issues: Option<Vec<bool>>,
    /// Whether a person has verified each label.
    verified: Vec<bool>,
    /// The place of each image among those that are there under two labels, the same for the same image; `None` where its label is verified.
    conflicts: Vec<Option<usize>>,
}

impl<'a> Judged<'a> {
    fn new(
        set: ImageSet,
        samples: &'a [Sample],
        (quality, clean): (&'a [f64], Option<&'a [f64]>),
        probabilities: &'a ClassTable,
        range: std::result::Result<NoiseRange, Withheld>,
        (mut conflicts, verified): (Vec<Option<usize>>, &HashSet<String>),
    ) -> Result<Self> {
        let given: Vec<usize> = samples.iter().map(|sample| sample.label).collect();
        let mut suggested: Vec<usize> =
            probabilities.rows().zip(&given).map(|(row, &y)| suggested_label(row, y)).collect();
        let verified: Vec<bool> = samples.iter().map(|sample| verified.contains(&sample.path)).collect();
        let mut quality = quality.to_vec();
        for sample in (0..samples.len()).filter(|&sample| verified[sample]) {
            quality[sample] = 1.0;
            conflicts[sample] = None;
            suggested[sample] = given[sample];
        }
        let mut issues = match &range {
            Ok(range) => Some(label_issues(&quality, &given, &suggested, range.rate)?),
            Err(_) => None,
        };
        // Of two labels of one image, one is wrong for certain.
        for (sample, _) in conflicts.iter().enumerate().filter(|(_, conflict)| conflict.is_some()) {
            quality[sample] = 0.0;
            issues.iter_mut().for_each(|issues| issues[sample] = true);
        }
        if let Some(issues) = &mut issues {
            issues.iter_mut().zip(&verified).for_each(|(issue, verified)| *issue &= !verified);
        }
        Ok(Self {
            set,
            samples,
            quality,
            clean,
            probabilities,
            range,
            suggested,
            issues,
            verified,
            conflicts,
        })
    }

    /// Number of labels that should be checked; `None` where there is no evidence.
    pub(crate) fn count(&self) -> Option<usize> {
        self.issues.as_ref().map(|issues| issues.iter().filter(|issue| **issue).count())
    }

    fn row(&self, sample: usize, classes: &[String]) -> LabelIssue {
        let (given, suggested) = (self.samples[sample].label, self.suggested[sample]);
        let probabilities = self.probabilities.row(sample);
        let has_better = suggested != given && self.issues.is_some();
        LabelIssue {
            rank: 0,
            path: self.samples[sample].path.clone(),
            given_label: classes[given].clone(),
            suggested_label: if has_better { classes[suggested].clone() } else { String::new() },
            label_quality: self.quality[sample],
            p_clean: self.clean.map(|clean| clean[sample]),
            p_given: probabilities[given],
            p_suggested: has_better.then(|| probabilities[suggested]),
            is_issue: match (&self.issues, self.conflicts[sample]) {
                (_, Some(_)) => Some(true),
                (None, None) if self.verified[sample] => Some(false),
                (issues, None) => issues.as_ref().map(|issues| issues[sample]),
            },
            set: self.set,
        }
    }
}

/// What a run found out about its images.
pub(crate) struct Findings<'a> {
    pub(crate) classes: &'a [String],
    pub(crate) outcome: &'a Outcome,
    /// Of the images that were trained on.
    pub(crate) train: Judged<'a>,
    /// Of the images held out.
    pub(crate) test: Option<Judged<'a>>,
    /// Training images by given and suggested label.
    pub(crate) confusion: ClassPairs<usize>,
    /// How wrong labels are, by confident learning.
    pub(crate) noise: LabelNoise,
    /// The same by the last divisions; `None` where that would be a matrix of too many classes.
    pub(crate) noise_by_division: Option<LabelNoise>,
    /// The same by the true labels, where these are known of all images.
    pub(crate) real_noise: Option<LabelNoise>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(
        sets: &'a Sets,
        classes: &'a [String],
        outcome: &'a Outcome,
        held_out: Option<&'a HeldOut>,
    ) -> Result<Self> {
        let (predicted, clean) = (&outcome.mean_probabilities, &outcome.clean_probability);
        let given: Vec<usize> = sets.samples.iter().map(|s| s.label).collect();
        let counts = ConfidentJoint::count(predicted, &given)?;
        let Evidence { train, test } =
            Evidence::new(sets, outcome, held_out, counts.noise_rate(), classes.len())?;
        let quality = (outcome.label_quality.as_slice(), Some(clean.as_slice()));
        let (of_training, of_test) = conflicts(sets);
        let of_train = Judged::new(
            ImageSet::Train,
            &sets.samples,
            quality,
            predicted,
            train,
            (of_training, &sets.verified),
        )?;
        let of_test = held_out.map(|held_out| {
            let (quality, predicted) = ((held_out.quality.as_slice(), None), &held_out.probabilities);
            Judged::new(
                ImageSet::Test,
                &sets.test_samples,
                quality,
                predicted,
                test,
                (of_test, &sets.verified),
            )
        });
        let by_division = || LabelNoise::by_division(clean, predicted, &given);
        let truth: Option<Vec<usize>> = sets.samples.iter().map(|s| s.truth).collect();
        let measured = |truth: Vec<usize>| LabelNoise::measured(&given, &truth, classes.len());
        Ok(Self {
            classes,
            outcome,
            confusion: confusion(&given, &of_train.suggested, classes.len())?,
            noise: LabelNoise::by_confident_joint(&counts),
            noise_by_division: (classes.len() <= MOST_CLASSES_OF_A_FULL_MATRIX)
                .then(by_division)
                .transpose()?,
            real_noise: truth.map(measured).transpose()?,
            train: of_train,
            test: of_test.transpose()?,
        })
    }

    /// Whether it is said how wrong the labels are, beside the share of wrong ones: where there is evidence, or the truth is known.
    pub(crate) fn estimates_noise(&self) -> bool {
        self.train.range.is_ok() || self.real_noise.is_some()
    }

    /// Probabilities `[N, classes]` of the training images, which `pred_probs.npy` holds.
    pub(crate) fn predicted(&self) -> &[f32] {
        self.outcome.mean_probabilities.values()
    }

    /// The table, worst label first: images under two labels, those of one image together; then the others, of equals the first path
    /// first.
    pub(crate) fn table(&self) -> Vec<LabelIssue> {
        let rows = |judged: &Judged<'_>| {
            let row = |sample: usize| {
                (judged.conflicts[sample].unwrap_or(usize::MAX), judged.row(sample, self.classes))
            };
            (0..judged.samples.len()).map(row).collect::<Vec<_>>()
        };
        let mut table: Vec<(usize, LabelIssue)> =
            std::iter::once(&self.train).chain(&self.test).flat_map(rows).collect();
        table.sort_by(|(of_a, a), (of_b, b)| {
            let by_quality = || a.label_quality.total_cmp(&b.label_quality);
            of_a.cmp(of_b).then_with(by_quality).then_with(|| a.path.cmp(&b.path))
        });
        let mut table: Vec<LabelIssue> = table.into_iter().map(|(_, row)| row).collect();
        table.iter_mut().zip(1..).for_each(|(row, rank)| row.rank = rank);
        table
    }
}

/// The images that are there under two labels, of the training set and of the held-out ones: for each the place of its group among all
/// such groups.
fn conflicts(sets: &Sets) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
    let training = sets.samples.len();
    let mut found = vec![None; training + sets.test_samples.len()];
    let under_two_labels = sets.duplicates.iter().filter(|group| sets.is_under_two_labels(group));
    for (place, group) in under_two_labels.enumerate() {
        group.images.iter().for_each(|image| found[*image] = Some(place));
    }
    let held_out = found.split_off(training);
    (found, held_out)
}
