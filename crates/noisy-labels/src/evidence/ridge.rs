//! Out-of-fold scores: ridge regression of one-hot labels on features, by folds.

use ndarray::{Array1, Array2};
use rayon::prelude::*;

use crate::cholesky::Cholesky;
use crate::class_table::ClassTable;
use crate::error::{Error, Result, check_labels, check_length};
use crate::features::Features;
use crate::folds::first_copies;
use crate::gram::add_product;

/// The number of folds. Sample i is in fold i mod 10, so that each fold has its share of every class where samples are sorted by
/// class. Samples with the same features, which are copies of one image, are all in the fold of the first of them.
const FOLDS: usize = 10;

/// The penalty on the squared weights, in units of the mean variance of a feature's contribution. Between 0.1 and 10 the accuracy
/// changes by 1 to 3 points at 1,000 to 10,000 images; 1 was the best, or within a point of the best, everywhere.
const RIDGE: f64 = 1.0;

/// The number of rows that are multiplied at once.
const ROWS: usize = 1024;

/// The number added to a standard deviation, so that a constant feature becomes 0 and not NaN.
const SMALLEST_DEVIATION: f64 = 1e-6;

/// The score of each class for every sample, `[N, C]`, from a classifier that has not seen the sample's label; `None` without
/// samples and where all samples have the same features. The largest score of a row is the prediction. Scores are estimates of 0
/// or 1, and not probabilities: some are outside of 0..1.
///
/// The classifier is ridge regression of the one-hot labels on standardised features, `W = (Z^T Z + r I)^-1 Z^T Y` with `r = N /
/// F`, fitted ten times, each time without the fold that it then scores (Hastie, Tibshirani & Friedman 2009, sections 3.4.1, 4.2
/// and 7.10). On a pretrained network's features its accuracy is within some points of logistic regression's with the same
/// penalty, and it needs no iterations. Sums are made in a fixed order, so the scores have the same bits for any number of
/// threads.
///
/// # Shapes
/// `features`: `[N, F]`; `labels`: N ids below `classes`.
///
/// # Errors
/// [`Error::Length`] where the numbers of samples differ; [`Error::Label`] for an id that is not a class; [`Error::Entry`] for
/// the first feature that is not finite.
pub fn out_of_fold_scores(
    features: &Features<'_>,
    labels: &[usize],
    classes: usize,
) -> Result<Option<ClassTable>> {
    check_labels(labels, classes)?;
    check_length("samples with features", labels.len(), features.len())?;
    let samples = labels.len();
    let Some(standard) = Standard::of(features)? else { return Ok(None) };
    let fold_of: Vec<usize> = first_copies(features).into_iter().map(|first| first % FOLDS).collect();
    let members =
        |fold: usize| (0..samples).filter(|&sample| fold_of[sample] == fold).collect::<Vec<usize>>();
    let every: Vec<usize> = (0..samples).collect();
    let whole = Sums::of(&every, features, &standard, labels, classes);
    let mut scores = vec![0.0; samples * classes];
    // One after the other, since a set of several networks' features takes hundreds of megabytes: products and solutions use all threads.
    for fold in 0..FOLDS {
        let members = members(fold);
        let mut rest = Sums::of(&members, features, &standard, labels, classes);
        rest.subtract_from(&whole);
        let (weights, shares) = rest.solve()?;
        let of_parts: Vec<Array2<f32>> = members
            .par_chunks(ROWS)
            .map(|part| standard.rows(part, features).dot(&weights) + &shares)
            .collect();
        let rows = of_parts.iter().flat_map(|part| part.outer_iter());
        for (&sample, row) in members.iter().zip(rows) {
            scores[sample * classes..][..classes].iter_mut().zip(row).for_each(|(out, score)| *out = *score);
        }
    }
    ClassTable::new(scores, classes).map(Some)
}

/// The mean and scale of each feature. The squares of a sample's scaled features sum to 1 on average.
struct Standard {
    mean: Array1<f32>,
    scale: Array1<f32>,
}

impl Standard {
    /// The mean and scale over all samples; `None` without numbers, and where all samples are alike.
    fn of(features: &Features<'_>) -> Result<Option<Self>> {
        features.check_finite()?;
        let (samples, width) = (features.len(), features.width());
        if samples == 0 || width == 0 {
            return Ok(None);
        }
        let (mut sum, mut squares) = (vec![0.0f64; width], vec![0.0f64; width]);
        let mut values = vec![0.0; width];
        for sample in 0..samples {
            features.copy_row(sample, &mut values);
            for ((sum, square), value) in sum.iter_mut().zip(&mut squares).zip(&values) {
                *sum += f64::from(*value);
                *square += f64::from(*value).powi(2);
            }
        }
        let n = samples as f64;
        let mean: Array1<f64> = sum.into_iter().map(|sum| sum / n).collect();
        let variance = |(square, mean): (f64, &f64)| (square / n - mean * mean).max(0.0);
        let variance: Vec<f64> = squares.into_iter().zip(&mean).map(variance).collect();
        if variance.iter().all(|variance| variance.sqrt() < SMALLEST_DEVIATION) {
            return Ok(None);
        }
        let unit = (width as f64).sqrt().recip();
        let scale = variance
            .into_iter()
            .map(|variance| (unit / (variance.sqrt() + SMALLEST_DEVIATION)) as f32)
            .collect();
        Ok(Some(Self { mean: mean.mapv(|mean| mean as f32), scale }))
    }

    /// The standardised features of some samples, a row each.
    fn rows(&self, samples: &[usize], features: &Features<'_>) -> Array2<f32> {
        let mut rows = features.rows(samples.iter().copied());
        for mut row in rows.outer_iter_mut() {
            for ((value, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *value = (*value - mean) * scale;
            }
        }
        rows
    }
}

/// Sums over samples, from which the weights follow.
struct Sums {
    samples: f64,
    /// `Z^T Z`, `[F, F]`: its lower triangle.
    gram: Array2<f32>,
    /// `Z^T Y`, `[F, C]`.
    cross: Array2<f64>,
    /// The sum of Z over samples, F values.
    features: Array1<f64>,
    /// The number of samples of each label.
    labels: Array1<f64>,
}

impl Sums {
    fn new(features: usize, classes: usize) -> Self {
        Self {
            samples: 0.0,
            gram: Array2::zeros((features, features)),
            cross: Array2::zeros((features, classes)),
            features: Array1::zeros(features),
            labels: Array1::zeros(classes),
        }
    }

    fn of(
        samples: &[usize],
        features: &Features<'_>,
        standard: &Standard,
        labels: &[usize],
        classes: usize,
    ) -> Self {
        let mut sums = Self::new(standard.mean.len(), classes);
        for part in samples.chunks(ROWS) {
            let z = standard.rows(part, features);
            add_product(1.0, &z, &z, &mut sums.gram);
            for (z, &sample) in z.outer_iter().zip(part) {
                let label = labels[sample];
                sums.labels[label] += 1.0;
                let mut cross = sums.cross.column_mut(label);
                cross.zip_mut_with(&z, |sum, z| *sum += f64::from(*z));
                sums.features.zip_mut_with(&z, |sum, z| *sum += f64::from(*z));
            }
        }
        sums.samples = samples.len() as f64;
        sums
    }

    /// Becomes `whole` less itself.
    fn subtract_from(&mut self, whole: &Self) {
        self.samples = whole.samples - self.samples;
        self.gram.zip_mut_with(&whole.gram, |own, whole| *own = whole - *own);
        self.cross.zip_mut_with(&whole.cross, |own, whole| *own = whole - *own);
        self.features.zip_mut_with(&whole.features, |own, whole| *own = whole - *own);
        self.labels.zip_mut_with(&whole.labels, |own, whole| *own = whole - *own);
    }

    /// The weights `[F, C]`, and the share of each label, which is added to their product.
    fn solve(&self) -> Result<(Array2<f32>, Array1<f32>)> {
        let features = self.features.len();
        let n = self.samples.max(1.0);
        let shares = &self.labels / n;
        // Z^T (Y - shares).
        let mut right = self.cross.clone();
        for (mut row, sum) in right.outer_iter_mut().zip(&self.features) {
            row.zip_mut_with(&shares, |value, share| *value -= sum * share);
        }
        let mut left = self.gram.mapv(f64::from);
        left.diag_mut().mapv_inplace(|value| value + RIDGE * n / features as f64);
        let decomposed = Cholesky::of(left).ok_or(Error::OutOfRange {
            name: "the spread of the features",
            value: n,
            range: "one that lets a classifier be fitted",
        })?;
        let weights = decomposed.solve(right);
        Ok((weights.mapv(|weight| weight as f32), shares.mapv(|share| share as f32)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class_table::argmax;

    /// Two blobs around -1 and 1 in the first of three features; the other two do not depend on the class.
    fn blob(i: usize) -> [f32; 3] {
        let noise = |k: usize| ((i * 2_654_435_761 + k * 40_503) % 1000) as f32 / 1000.0 - 0.5;
        [if i.is_multiple_of(2) { -1.0 } else { 1.0 } + noise(1), noise(2), 7.0]
    }

    fn features<'a>(samples: usize, of: impl Fn(usize) -> [f32; 3] + Send + Sync + 'a) -> Features<'a> {
        Features::from_fn(samples, 3, move |i, row| row.copy_from_slice(&of(i)))
    }

    fn scores(labels: &[usize]) -> ClassTable {
        out_of_fold_scores(&features(labels.len(), blob), labels, 2).unwrap().unwrap()
    }

    #[test]
    fn a_sample_is_scored_without_its_own_label() {
        let right: Vec<usize> = (0..200).map(|i| i % 2).collect();
        let mut wrong = right.clone();
        (0..200).step_by(9).for_each(|i| wrong[i] = 1 - wrong[i]);
        let scores = scores(&wrong);
        for (i, row) in scores.rows().enumerate() {
            assert_eq!(argmax(row), right[i], "sample {i}: {row:?}");
        }
    }

    /// The reference: for each fold the normal equations of all other samples in f64, solved by Gaussian elimination.
    #[test]
    fn the_scores_are_ridge_regressions_of_the_other_folds() {
        let labels: Vec<usize> = (0..57).map(|i| (i / 3) % 2).collect();
        let found = scores(&labels);
        let n = labels.len();
        let column = |k: usize| (0..n).map(|i| f64::from(blob(i)[k])).collect::<Vec<f64>>();
        let columns: Vec<Vec<f64>> = (0..3)
            .map(|k| {
                let values = column(k);
                let mean = values.iter().sum::<f64>() / n as f64;
                let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
                values.iter().map(|v| (v - mean) / (deviation + 1e-6) / 3f64.sqrt()).collect()
            })
            .collect();
        for fold in 0..FOLDS {
            let rest: Vec<usize> = (0..n).filter(|i| i % FOLDS != fold).collect();
            let share = rest.iter().filter(|&&i| labels[i] == 1).count() as f64 / rest.len() as f64;
            let mut system = [[0.0; 4]; 3];
            for a in 0..3 {
                for b in 0..3 {
                    system[a][b] = rest.iter().map(|&i| columns[a][i] * columns[b][i]).sum();
                }
                system[a][a] += rest.len() as f64 / 3.0;
                system[a][3] = rest.iter().map(|&i| columns[a][i] * (labels[i] as f64 - share)).sum();
            }
            for pivot in 0..3 {
                let row: [f64; 4] = system[pivot];
                for other in (0..3).filter(|other| *other != pivot) {
                    let factor = system[other][pivot] / row[pivot];
                    system[other].iter_mut().zip(row).for_each(|(value, own)| *value -= factor * own);
                }
            }
            for i in (0..n).filter(|i| i % FOLDS == fold) {
                let expected =
                    share + (0..3).map(|k| columns[k][i] * system[k][3] / system[k][k]).sum::<f64>();
                assert!((f64::from(found.row(i)[1]) - expected).abs() < 1e-4, "{i}: {found:?} {expected}");
            }
        }
    }

    #[test]
    fn copies_are_scored_without_each_other() {
        // Pairs of copies, of which both have a wrong label: each would teach it to the other.
        let of = |i: usize| blob(i / 2 * 7 + (i / 2) % 2);
        let right: Vec<usize> = (0..200).map(|i| usize::from(of(i)[0] > 0.0)).collect();
        let mut labels = right.clone();
        (40..60).for_each(|i| labels[i] = 1 - right[i]);
        let alone = out_of_fold_scores(&features(200, of), &labels, 2).unwrap().unwrap();
        let wrong = (40..60).filter(|&i| argmax(alone.row(i)) != right[i]).count();
        assert_eq!(wrong, 0, "of 20 samples with a wrong label");
    }

    #[test]
    fn nothing_constant_and_not_finite_features_are_dealt_with() {
        let all = |value: f32, samples: usize| features(samples, move |_| [value; 3]);
        assert_eq!(out_of_fold_scores(&all(0.0, 0), &[], 2).unwrap(), None);
        assert_eq!(out_of_fold_scores(&Features::from_fn(1, 0, |_, _| ()), &[0], 2).unwrap(), None);
        assert_eq!(out_of_fold_scores(&all(2.0, 4), &[0, 1, 0, 1], 2).unwrap(), None);
        assert!(out_of_fold_scores(&all(f32::NAN, 2), &[0, 1], 2).is_err());
        assert!(out_of_fold_scores(&all(0.0, 1), &[2], 2).is_err());
        assert!(out_of_fold_scores(&all(0.0, 2), &[0], 2).is_err());
    }
}
