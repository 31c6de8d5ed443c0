//! Linear classifiers that judge samples from which they have not learnt.

use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;

use crate::class_table::ClassTable;
use crate::error::{Result, check_labels, check_length};
use crate::features::Features;
use crate::folds::stratified;

/// The number of folds.
const FOLDS: usize = 5;

/// The number of samples that are predicted at once.
const ROWS: usize = 256;

/// Features and labels of N samples in five folds, each judged by classifiers that learn from the other four.
///
/// The samples of each label go to the folds in turn (stratified), and copies of one image are in one fold, since each would
/// teach the others' judge its label. A class that has no samples in the other four folds has the logit minus infinity there; the
/// row of a sample whose own label has none, such as the only one of its class, is NaN, because nothing is known of this label.
/// [`super::combined_quality`] takes such a row as no evidence.
///
/// ```
/// use noisy_labels::quality::signals::OutOfFold;
/// use noisy_labels::{ClassTable, Features};
///
/// // Twelve samples at two places, of which the fourth has the other's label.
/// let values: Vec<f32> = (0..12).flat_map(|i| [(i % 2) as f32 + 0.01 * i as f32, 1.0]).collect();
/// let labels = [0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1];
/// let features = Features::from_slice(&values, 2)?;
/// let logits: ClassTable = OutOfFold::new(&features, &labels, 2)?.discriminant(0.5)?;
/// assert_eq!(logits.argmax(), [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
/// # Ok::<(), noisy_labels::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct OutOfFold<'a> {
    features: &'a Features<'a>,
    labels: &'a [usize],
    classes: usize,
    fold_of: Vec<usize>,
    kept: Vec<bool>,
}

impl<'a> OutOfFold<'a> {
    /// The folds of these samples.
    ///
    /// # Shapes
    /// `features`: `[N, F]`; `labels`: N ids below `classes`.
    ///
    /// # Errors
    /// [`crate::Error::Length`] where the numbers of samples differ; [`crate::Error::Label`] for an id that is not a class;
    /// [`crate::Error::Entry`] for the first feature that is not finite.
    pub fn new(features: &'a Features<'a>, labels: &'a [usize], classes: usize) -> Result<Self> {
        check_labels(labels, classes)?;
        check_length("labels of samples with features", features.len(), labels.len())?;
        features.check_finite()?;
        let fold_of = stratified(features, labels, classes, FOLDS);
        Ok(Self { features, labels, classes, fold_of, kept: vec![true; labels.len()] })
    }

    /// The same folds, in which classifiers learn from the samples alone for which `kept` is true ([`super::kept_labels`]). All
    /// samples are judged.
    ///
    /// # Errors
    /// [`crate::Error::Length`] where there is not one value a sample.
    pub fn keeping(&self, kept: &[bool]) -> Result<Self> {
        check_length("samples to keep", self.len(), kept.len())?;
        Ok(Self { kept: kept.to_vec(), ..self.clone() })
    }

    /// The number of samples, N.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The number of classes, C.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The number of folds, 5.
    pub fn folds(&self) -> usize {
        FOLDS
    }

    /// The fold of a sample.
    ///
    /// # Panics
    /// If `sample` is not below [`Self::len`].
    pub fn fold(&self, sample: usize) -> usize {
        self.fold_of[sample]
    }

    pub(super) fn label(&self, sample: usize) -> usize {
        self.labels[sample]
    }

    pub(super) fn width(&self) -> usize {
        self.features.width()
    }

    pub(super) fn is_kept(&self, sample: usize) -> bool {
        self.kept[sample]
    }

    /// Whether the classifier that judges this fold learns from the sample.
    pub(super) fn teaches(&self, sample: usize, fold: usize) -> bool {
        self.kept[sample] && self.fold_of[sample] != fold
    }

    /// The number of samples of each class from which the judge of a fold learns.
    pub(super) fn taught(&self, fold: usize) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        (0..self.len())
            .filter(|&sample| self.teaches(sample, fold))
            .for_each(|sample| counts[self.labels[sample]] += 1);
        counts
    }

    /// The mean of each feature over all samples. Both classifiers are the same for features that are moved; but their sums are
    /// the more exact the smaller the features are.
    pub(super) fn mean(&self) -> Array1<f32> {
        let mut sum = Array1::<f64>::zeros(self.width());
        let mut row = vec![0.0; self.width()];
        for sample in 0..self.len() {
            self.features.copy_row(sample, &mut row);
            sum.iter_mut().zip(&row).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let samples = self.len().max(1) as f64;
        sum.mapv(|sum| (sum / samples) as f32)
    }

    /// The features of some samples less their mean, a row each.
    pub(super) fn rows(
        &self,
        samples: impl ExactSizeIterator<Item = usize>,
        mean: &Array1<f32>,
    ) -> Array2<f32> {
        self.features.rows(samples) - mean
    }
}

/// The logits of all samples, filled fold by fold.
pub(super) struct Scores<'a> {
    data: &'a OutOfFold<'a>,
    logits: Vec<f32>,
}

impl<'a> Scores<'a> {
    pub(super) fn new(data: &'a OutOfFold<'a>) -> Self {
        Self { data, logits: vec![0.0; data.len() * data.classes] }
    }

    /// Fills in the rows of one fold by its classifier: `(x - mean) W + b`, with W `[F, C]`. A class from which the classifier
    /// has not learnt gets minus infinity, and NaN a row whose label is such a class.
    pub(super) fn predict(
        &mut self,
        fold: usize,
        mean: &Array1<f32>,
        weights: &Array2<f32>,
        bias: &Array1<f32>,
    ) {
        let (data, classes) = (self.data, self.data.classes);
        let taught = data.taught(fold);
        let own: Vec<usize> = (0..data.len()).filter(|&sample| data.fold(sample) == fold).collect();
        let parts: Vec<Array2<f32>> = own
            .par_chunks(ROWS)
            .map(|part| data.rows(part.iter().copied(), mean).dot(weights) + bias)
            .collect();
        for (part, logits) in own.chunks(ROWS).zip(parts) {
            for (&sample, logits) in part.iter().zip(logits.axis_iter(Axis(0))) {
                let row = &mut self.logits[sample * classes..][..classes];
                for ((out, logit), taught) in row.iter_mut().zip(logits).zip(&taught) {
                    *out = if *taught > 0 { *logit } else { f32::NEG_INFINITY };
                }
                if taught[data.label(sample)] == 0 {
                    row.fill(f32::NAN);
                }
            }
        }
    }

    pub(super) fn into_table(self) -> ClassTable {
        // N rows of C, by the constructor.
        ClassTable::new(self.logits, self.data.classes).expect("N rows of C values")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::signals::LogisticSettings;

    /// Both classifiers' logits.
    fn both(data: &OutOfFold<'_>) -> [ClassTable; 2] {
        [data.logistic(&LogisticSettings::default()).unwrap(), data.discriminant(0.5).unwrap()]
    }

    #[test]
    fn the_only_sample_of_a_class_is_not_judged_and_an_empty_class_is_impossible() {
        let values: Vec<f32> = (0..20).flat_map(|i| [(i % 2) as f32, (i as f32 * 0.7).sin()]).collect();
        let features = Features::from_slice(&values, 2).unwrap();
        let labels: Vec<usize> = (0..20).map(|i| if i == 6 { 3 } else { i % 2 }).collect();
        for logits in both(&OutOfFold::new(&features, &labels, 4).unwrap()) {
            assert!(logits.row(6).iter().all(|logit| logit.is_nan()));
            for sample in (0..20).filter(|sample| *sample != 6) {
                let row = logits.row(sample);
                assert_eq!((crate::argmax(&row[..2]), row[2]), (sample % 2, f32::NEG_INFINITY), "{sample}");
            }
        }
    }

    #[test]
    fn where_features_are_alike_the_shares_are_all_that_is_known() {
        let features = Features::from_fn(40, 3, |_, row| row.fill(0.1));
        let labels: Vec<usize> = (0..40).map(|i| usize::from(i >= 30)).collect();
        // Copies of one image are all in one fold, so nothing is left to learn from.
        let copies = both(&OutOfFold::new(&features, &labels, 2).unwrap());
        assert!(copies.iter().all(|logits| logits.values().iter().all(|logit| logit.is_nan())));
        let mut apart = OutOfFold::new(&features, &labels, 2).unwrap();
        apart.fold_of = (0..40).map(|sample| sample % FOLDS).collect();
        for logits in both(&apart) {
            for row in logits.softmax().rows() {
                assert!((row[0] - 0.75).abs() < 1e-5, "{row:?}");
            }
        }
    }
}
