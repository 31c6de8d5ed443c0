//! Multinomial logistic regression, by folds.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, Axis, s};
use rayon::prelude::*;

use super::lbfgs::{Objective, Search};
use super::out_of_fold::{OutOfFold, Scores};
use crate::class_table::{ClassTable, softmax_in_place};
use crate::error::{Error, Result};

/// The number of samples whose logits are made at once.
const ROWS: usize = 256;

/// The number of pieces in which samples are summed up. It does not depend on the number of threads.
const PIECES: usize = 16;

/// The number of columns that logits of several folds may have side by side: one product for all folds is faster than a narrow
/// one for each.
const COLUMNS: usize = 128;

/// The bias of a class without samples: its probability is 0.
const ABSENT: f32 = -1e4;

/// How a logistic regression is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogisticSettings {
    /// The penalty on the squared weights: `penalty / 2 |W|^2` is added to the sum of the samples' cross entropies
    /// (scikit-learn's `1 / C`). Default: 0.5, for features whose rows have the norm 1.
    pub penalty: f64,
    /// The fit ends where the gradient's norm is this part of what it is at weights of 0. Default: 0.001.
    pub tolerance: f64,
    /// The most passes over all samples. A fit that needs more keeps what it has. Default: 200.
    pub max_passes: usize,
}

impl Default for LogisticSettings {
    fn default() -> Self {
        Self { penalty: 0.5, tolerance: 1e-3, max_passes: 200 }
    }
}

impl OutOfFold<'_> {
    /// The logit of each class for every sample, `[N, C]`, by multinomial logistic regression of the samples of the other folds:
    /// `w_c^T x + b_c`, where W and b minimise the sum of cross entropies and `penalty / 2 |W|^2` (Hastie, Tibshirani & Friedman
    /// 2009, section 4.4). This is scikit-learn's `LogisticRegression(C=1 / penalty)`. The softmax of a row is the probabilities
    /// of the classes.
    ///
    /// The minimum is found by L-BFGS (Nocedal & Wright 2006, algorithm 7.5), for the folds together: one pass over the samples
    /// makes one product of matrices for all of them, with `2 N F C` multiplications a fold. Features are read row by row in each
    /// pass and never held as a whole. Sums are made in a fixed order, so the result has the same bits for any number of threads.
    ///
    /// Where all features are alike, the softmax of each row is the shares of the classes. Which rows are NaN: see [`OutOfFold`].
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a penalty or a tolerance that is not above 0.
    pub fn logistic(&self, settings: &LogisticSettings) -> Result<ClassTable> {
        for (name, value) in [("the penalty", settings.penalty), ("the tolerance", settings.tolerance)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::OutOfRange { name, value, range: "a number above 0" });
            }
        }
        let (mean, width, classes) = (self.mean(), self.width(), self.classes());
        let mut scores = Scores::new(self);
        let folds: Vec<usize> = (0..self.folds()).collect();
        for folds in folds.chunks((COLUMNS / classes.max(1)).max(1)) {
            let regression = Regressions { data: self, mean: &mean, penalty: settings.penalty };
            for (&fold, fitted) in folds.iter().zip(regression.fit(folds, settings)) {
                let (weights, bias) = fitted.split_at(width * classes);
                let weights = Array2::from_shape_fn((width, classes), |(i, c)| weights[i * classes + c]);
                scores.predict(fold, &mean, &weights, &Array1::from_vec(bias.to_vec()));
            }
        }
        Ok(scores.into_table())
    }
}

/// The regressions of several folds. The parameters of one are W, `[F, C]`, and after it b, C numbers.
struct Regressions<'a> {
    data: &'a OutOfFold<'a>,
    mean: &'a Array1<f32>,
    penalty: f64,
}

/// A regression at some parameters.
struct Trial<'a> {
    fold: usize,
    parameters: &'a [f32],
}

impl Regressions<'_> {
    /// The parameters of each fold.
    fn fit(&self, folds: &[usize], settings: &LogisticSettings) -> Vec<Vec<f32>> {
        let mut searches: Vec<Search> =
            folds.iter().map(|&fold| Search::new(self.start(fold), settings.tolerance)).collect();
        for _ in 0..settings.max_passes {
            let open: Vec<usize> = (0..folds.len()).filter(|&i| !searches[i].is_done()).collect();
            if open.is_empty() {
                break;
            }
            let trials: Vec<Trial<'_>> =
                open.iter().map(|&i| Trial { fold: folds[i], parameters: searches[i].trial() }).collect();
            let objectives = self.evaluate(&trials);
            open.into_iter().zip(objectives).for_each(|(i, objective)| searches[i].go_on(objective));
        }
        searches.into_iter().map(Search::into_best).collect()
    }

    /// Weights of 0, and the logarithm of each class's share.
    fn start(&self, fold: usize) -> Vec<f32> {
        let counts = self.data.taught(fold);
        let all = counts.iter().sum::<usize>() as f32;
        let bias = counts.iter().map(|&count| if count == 0 { ABSENT } else { (count as f32 / all).ln() });
        let mut parameters = vec![0.0; self.mean.len() * counts.len()];
        parameters.extend(bias);
        parameters
    }

    /// Mean cross entropy with the penalty, and its gradient, of each trial.
    fn evaluate(&self, trials: &[Trial<'_>]) -> Vec<Objective> {
        let (data, width, classes) = (self.data, self.mean.len(), self.data.classes());
        let columns = trials.len() * classes;
        let mut weights = Array2::<f32>::zeros((width + 1, columns));
        for (trial, mut weights) in trials.iter().zip(weights.axis_chunks_iter_mut(Axis(1), classes)) {
            weights.iter_mut().zip(trial.parameters).for_each(|(weight, parameter)| *weight = *parameter);
        }
        let samples: Vec<usize> = (0..data.len()).filter(|&sample| data.is_kept(sample)).collect();
        let piece = samples.len().div_ceil(PIECES).max(ROWS);
        let sums: Vec<(Vec<f64>, Array2<f32>)> =
            samples.par_chunks(piece).map(|piece| self.sum(piece, trials, &weights)).collect();
        let mut losses = vec![0.0; trials.len()];
        let mut gradient = Array2::<f64>::zeros((width + 1, columns));
        for (of_piece, sum) in sums {
            losses.iter_mut().zip(of_piece).for_each(|(loss, of_piece)| *loss += of_piece);
            gradient.zip_mut_with(&sum, |gradient, sum| *gradient += f64::from(*sum));
        }
        let gradients = gradient.axis_chunks_iter(Axis(1), classes);
        let objective = |((trial, loss), gradient): ((&Trial<'_>, f64), ndarray::ArrayView2<'_, f64>)| {
            let taught = data.taught(trial.fold).iter().sum::<usize>().max(1) as f64;
            let weights = &trial.parameters[..width * classes];
            let square: f64 = weights.iter().map(|weight| f64::from(*weight).powi(2)).sum();
            let of_penalty = weights.iter().map(|weight| self.penalty * f64::from(*weight));
            let of_penalty = of_penalty.chain(std::iter::repeat(0.0));
            let gradient = gradient.iter().zip(of_penalty);
            Objective {
                value: (loss + 0.5 * self.penalty * square) / taught,
                gradient: gradient.map(|(sum, penalty)| ((sum + penalty) / taught) as f32).collect(),
            }
        };
        trials.iter().zip(losses).zip(gradients).map(objective).collect()
    }

    /// The summed cross entropies of some samples, and their gradient `[F + 1, columns]`, whose last row is that of the biases.
    fn sum(&self, samples: &[usize], trials: &[Trial<'_>], weights: &Array2<f32>) -> (Vec<f64>, Array2<f32>) {
        let (width, classes) = (self.mean.len(), self.data.classes());
        let mut losses = vec![0.0; trials.len()];
        let mut gradient = Array2::<f32>::zeros(weights.raw_dim());
        for part in samples.chunks(ROWS) {
            let rows = self.data.rows(part.iter().copied(), self.mean);
            let mut logits = rows.dot(&weights.slice(s![..width, ..])) + weights.row(width);
            for (mut logits, &sample) in logits.outer_iter_mut().zip(part) {
                let label = self.data.label(sample);
                let logits = logits.as_slice_mut().unwrap_or_default();
                for ((trial, loss), row) in
                    trials.iter().zip(&mut losses).zip(logits.chunks_exact_mut(classes))
                {
                    if self.data.teaches(sample, trial.fold) {
                        *loss += to_residuals(row, label);
                    } else {
                        row.fill(0.0);
                    }
                }
            }
            let residuals = logits;
            general_mat_mul(1.0, &rows.t(), &residuals, 1.0, &mut gradient.slice_mut(s![..width, ..]));
            let mut of_bias = gradient.row_mut(width);
            of_bias += &residuals.sum_axis(Axis(0));
        }
        (losses, gradient)
    }
}

/// Makes a row of logits into the derivatives of the cross entropy by them, `p - y`, and returns the cross entropy.
fn to_residuals(row: &mut [f32], label: usize) -> f64 {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = row.iter().map(|logit| (logit - largest).exp()).sum();
    let loss = f64::from(sum.ln() + largest - row[label]);
    softmax_in_place(row);
    row[label] -= 1.0;
    loss
}
