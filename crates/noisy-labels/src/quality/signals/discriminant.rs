//! Linear discriminant analysis with a shrunk covariance, by folds.

use ndarray::{Array1, Array2, Axis};

use super::out_of_fold::{OutOfFold, Scores};
use crate::cholesky::Cholesky;
use crate::class_table::ClassTable;
use crate::error::{Error, Result};
use crate::gram::add_product;

/// The number of samples that are read at once.
const ROWS: usize = 1024;

/// A variance within classes that is smaller than this part of the variance of all samples is rounding of the sums.
const ROUNDING: f64 = 1e-6;

/// The shrinkage that [`super::FeatureSignals`] takes: of 0.1 to 0.95 the best on one network's features and on three networks'
/// side by side (docs/benchmarks/notebook/2026-11-29-signals.md). Ledoit and Wolf's estimate is far smaller, 0.04, and worse: it
/// does not know of wrong labels.
pub const SHRINKAGE: f64 = 0.6;

impl OutOfFold<'_> {
    /// The logit of each class for every sample, `[N, C]`, by linear discriminant analysis of the samples of the other folds:
    /// each class is a normal distribution with the mean `m_c` and the share `p_c` of its samples, and all have one covariance,
    ///
    /// `S = (1 - shrinkage) S_w + shrinkage tr(S_w) / F I`, with `S_w` the mean of `(x - m_y) (x - m_y)^T` over samples;
    /// `logit_c(x) = x^T S^-1 m_c - m_c^T S^-1 m_c / 2 + log p_c`
    ///
    /// (Hastie, Tibshirani & Friedman 2009, section 4.3; the shrinkage towards a multiple of the identity is that of Ledoit &
    /// Wolf 2004, and of Friedman 1989, "Regularized discriminant analysis"). This is scikit-learn's
    /// `LinearDiscriminantAnalysis(solver="lsqr", shrinkage=...)`.
    ///
    /// The softmax of a row is the probabilities of the classes by this model, which is far too sure of itself: features of an
    /// image are not normal. Rank by the margin of the logits ([`super::logit_margins`]), which a small probability would lose to
    /// rounding.
    ///
    /// `S_w` of a fold's others is that of all samples less the fold's own, by their sums. So it takes
    /// `N F^2` multiplications and, for each fold, `F^3 / 6` more; the memory is that of four matrices `[F, F]`. Sums are made in a
    /// fixed order, so the result has the same bits for any number of threads.
    ///
    /// Where all features are alike, the softmax of each row is the shares of the classes. Which rows are NaN: see [`OutOfFold`].
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a shrinkage that is not in `0..=1`, or so small that the covariance has no inverse.
    pub fn discriminant(&self, shrinkage: f64) -> Result<ClassTable> {
        if !(0.0..=1.0).contains(&shrinkage) {
            return Err(Error::OutOfRange { name: "the shrinkage", value: shrinkage, range: "in 0..=1" });
        }
        let mean = self.mean();
        let trained: Vec<usize> = (0..self.len()).filter(|&sample| self.is_kept(sample)).collect();
        let whole = Sums::of(self, &mean, &trained);
        let squares: f64 = whole.gram.diag().iter().map(|square| f64::from(*square)).sum();
        let rounding = ROUNDING * squares / trained.len().max(1) as f64;
        let mut scores = Scores::new(self);
        for fold in 0..self.folds() {
            let own: Vec<usize> =
                trained.iter().copied().filter(|&sample| self.fold(sample) == fold).collect();
            let mut rest = Sums::of(self, &mean, &own);
            rest.subtract_from(&whole);
            let (weights, bias) = rest.classifier(shrinkage, rounding)?;
            scores.predict(fold, &mean, &weights, &bias);
        }
        Ok(scores.into_table())
    }
}

/// Sums over samples, from which means and covariance follow. Features are less their mean over all samples.
struct Sums {
    /// The number of samples of each class.
    counts: Array1<f64>,
    /// The sum of the features of each class, `[C, F]`.
    features: Array2<f64>,
    /// `X^T X`, `[F, F]`: its lower triangle.
    gram: Array2<f32>,
}

impl Sums {
    fn of(data: &OutOfFold<'_>, mean: &Array1<f32>, samples: &[usize]) -> Self {
        let (width, classes) = (mean.len(), data.classes());
        let mut counts = Array1::zeros(classes);
        let mut features = Array2::zeros((classes, width));
        let mut gram = Array2::<f32>::zeros((width, width));
        for part in samples.chunks(ROWS) {
            let rows = data.rows(part.iter().copied(), mean);
            for (row, &sample) in rows.outer_iter().zip(part) {
                let label = data.label(sample);
                counts[label] += 1.0;
                features.row_mut(label).zip_mut_with(&row, |sum: &mut f64, value| *sum += f64::from(*value));
            }
            add_product(1.0, &rows, &rows, &mut gram);
        }
        Self { counts, features, gram }
    }

    /// Becomes `whole` less itself.
    fn subtract_from(&mut self, whole: &Self) {
        self.counts.zip_mut_with(&whole.counts, |own, whole| *own = whole - *own);
        self.features.zip_mut_with(&whole.features, |own, whole| *own = whole - *own);
        self.gram.zip_mut_with(&whole.gram, |own, whole| *own = whole - *own);
    }

    /// The weights `[F, C]` and biases of the classes' logits; minus infinity is the bias of a class without samples. The
    /// weights are 0 where the variance within classes, summed over features, is no more than `rounding`.
    fn classifier(mut self, shrinkage: f64, rounding: f64) -> Result<(Array2<f32>, Array1<f32>)> {
        let width = self.gram.nrows();
        let samples = self.counts.sum().max(1.0);
        let shares = &self.counts / samples;
        let mut bias = shares.mapv(f64::ln);
        for (mut sum, count) in self.features.outer_iter_mut().zip(&self.counts) {
            sum.mapv_inplace(|value| value / count.max(1.0));
        }
        let means = self.features;
        let mut within = self.gram.mapv(|value| f64::from(value) / samples);
        drop(self.gram);
        let weighted = &means * &shares.view().insert_axis(Axis(1));
        add_product(-1.0, &weighted, &means, &mut within);
        let variance = within.diag().sum();
        if variance <= rounding {
            return Ok((Array2::zeros((width, shares.len())), bias.mapv(|bias| bias as f32)));
        }
        within.mapv_inplace(|value| (1.0 - shrinkage) * value);
        within.diag_mut().mapv_inplace(|value| value + shrinkage * variance / width as f64);
        let inverse = Cholesky::of(within).ok_or(Error::OutOfRange {
            name: "the shrinkage",
            value: shrinkage,
            range: "larger, since the covariance of these features has no inverse",
        })?;
        let weights = inverse.solve(means.t().as_standard_layout().into_owned());
        for ((bias, weights), means) in bias.iter_mut().zip(weights.columns()).zip(means.outer_iter()) {
            *bias -= 0.5 * weights.dot(&means);
        }
        Ok((weights.mapv(|weight| weight as f32), bias.mapv(|bias| bias as f32)))
    }
}
