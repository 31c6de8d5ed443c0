//! Area under the margin (Pleiss et al. 2020, "Identifying mislabeled data using the area under the margin ranking").

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, check_labels, check_length};

/// For each sample the margin of its given label and the predicted probabilities, gathered over epochs and networks.
///
/// The margin is the logit of the given label less the largest other logit. A wrong label is pulled against by the
/// samples that resemble it, so its margin stays low throughout training, also where the network memorises it in the
/// end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "MarginParts", into = "MarginParts")]
pub struct MarginHistory {
    parts: MarginParts,
}

/// A [`MarginHistory`] as plain numbers, for checkpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarginParts {
    /// Number of classes, C.
    pub classes: usize,
    /// How many passes each sample's sums hold; N values.
    pub passes: Vec<u32>,
    /// Sum of margins over the passes, each pass's scaled to a root mean square of 1; N values.
    pub margin_sum: Vec<f64>,
    /// Sum of softmax probabilities over the passes; `[N, C]`, row-major. f32: the largest part by far, and read to
    /// few digits.
    pub probability_sum: Vec<f32>,
}

impl MarginHistory {
    /// An empty history.
    pub fn new(samples: usize, classes: usize) -> Self {
        Self {
            parts: MarginParts {
                classes,
                passes: vec![0; samples],
                margin_sum: vec![0.0; samples],
                probability_sum: vec![0.0; samples * classes],
            },
        }
    }

    /// Adds one network's pass over all samples. A sample whose logits are not all finite is left out of this pass.
    /// With a single class the margin is 0: there is no other.
    ///
    /// The pass's margins are divided by their root mean square, so that passes count alike: a young network's logits may
    /// be huge, and say little.
    ///
    /// # Shapes
    /// `logits`: `[N, C]`, row-major; `labels`: the N given labels.
    ///
    /// # Errors
    /// [`Error::Length`] where the lengths are not those of this history; [`Error::Label`].
    pub fn add(&mut self, logits: &[f32], labels: &[usize]) -> Result<()> {
        let parts = &mut self.parts;
        let classes = parts.classes;
        check_length("labels", parts.passes.len(), labels.len())?;
        check_length("logits", parts.probability_sum.len(), logits.len())?;
        check_labels(labels, classes)?;
        // With no class at all there are no labels either, by the checks above.
        let rows = || logits.chunks_exact(classes.max(1));
        let margins: Vec<Option<f64>> = rows().zip(labels).map(|(row, &label)| margin(row, label)).collect();
        let known = margins.iter().flatten().count().max(1) as f64;
        let scale = (margins.iter().flatten().map(|m| m * m).sum::<f64>() / known).sqrt();
        let sums = parts.probability_sum.chunks_exact_mut(classes.max(1));
        for (sample, ((row, sum), margin)) in rows().zip(sums).zip(margins).enumerate() {
            let Some(margin) = margin else { continue };
            if scale > 0.0 {
                parts.margin_sum[sample] += margin / scale;
            }
            add_softmax(sum, row);
            parts.passes[sample] += 1;
        }
        Ok(())
    }

    /// The mean margin of each sample, in units of a pass's usual margin; 0 for a sample without a pass.
    pub fn margins(&self) -> Vec<f64> {
        let mean = |(&sum, &passes): (&f64, &u32)| if passes == 0 { 0.0 } else { sum / f64::from(passes) };
        self.parts.margin_sum.iter().zip(&self.parts.passes).map(mean).collect()
    }

    /// How trustworthy each label is, in `0..=1`, low is bad: [`quality_of_margin`] of the mean margin, so ranked as that
    /// is. A sample without a pass gets 0.5.
    pub fn label_quality(&self) -> Vec<f64> {
        self.margins().into_iter().map(quality_of_margin).collect()
    }

    /// The mean probabilities `[N, C]`, row-major; a uniform row for a sample without a pass.
    pub fn probabilities(&self) -> Vec<f32> {
        let classes = self.parts.classes.max(1);
        let rows = self.parts.probability_sum.chunks_exact(classes).zip(&self.parts.passes);
        rows.flat_map(|(row, &passes)| {
            row.iter().map(move |sum| if passes == 0 { 1.0 / classes as f32 } else { sum / passes as f32 })
        })
        .collect()
    }

    /// Takes the history apart.
    pub fn into_parts(self) -> MarginParts {
        self.parts
    }

    /// Puts a history together again.
    ///
    /// # Errors
    /// [`Error::Length`] where the parts' lengths do not fit; [`Error::OutOfRange`] where a sum is not finite.
    pub fn from_parts(parts: MarginParts) -> Result<Self> {
        let samples = parts.passes.len();
        check_length("margin sums", samples, parts.margin_sum.len())?;
        let cells = samples.saturating_mul(parts.classes);
        check_length("probability sums", cells, parts.probability_sum.len())?;
        let odd = parts.margin_sum.iter().find(|v| !v.is_finite()).copied();
        let odd = odd.or(parts.probability_sum.iter().find(|v| !v.is_finite()).map(|&v| f64::from(v)));
        match odd {
            Some(value) => Err(Error::OutOfRange { name: "a sum of margins", value, range: "finite" }),
            None => Ok(Self { parts }),
        }
    }
}

impl From<MarginHistory> for MarginParts {
    fn from(history: MarginHistory) -> Self {
        history.parts
    }
}

impl TryFrom<MarginParts> for MarginHistory {
    type Error = Error;

    fn try_from(parts: MarginParts) -> Result<Self> {
        Self::from_parts(parts)
    }
}

/// A margin as a quality in `0..=1`: `1/2 + m / (2 (1 + |m|))`. 0.5 where the margin is 0, that is, where another class
/// is as likely as the given label; NaN counts as 0.
///
/// It rises strictly, and so slowly that margins keep their order: a logistic function is 1 in f64 from 37 on.
pub fn quality_of_margin(margin: f64) -> f64 {
    if margin.is_nan() {
        0.5
    } else if margin.is_infinite() {
        f64::from(u8::from(margin > 0.0))
    } else {
        0.5 + 0.5 * (margin / (1.0 + margin.abs()))
    }
}

/// The margin that has this quality: the inverse of [`quality_of_margin`]. NaN counts as 0.5.
pub fn margin_of_quality(quality: f64) -> f64 {
    let centred = if quality.is_nan() { 0.0 } else { (2.0 * quality - 1.0).clamp(-1.0, 1.0) };
    centred / (1.0 - centred.abs())
}

/// The sum of several stages' margins, each stage standardised (mean 0, standard deviation 1), so that a stage with large
/// logits does not outvote the others. Margins that are not finite count as their stage's mean, and so does every one of
/// a stage whose margins are all equal.
///
/// # Errors
/// [`Error::Length`] where the stages differ in length.
pub fn combined_margins(stages: &[&[f64]]) -> Result<Vec<f64>> {
    let samples = stages.first().map_or(0, |stage| stage.len());
    let mut sums = vec![0.0; samples];
    for stage in stages {
        check_length("margins of a stage", samples, stage.len())?;
        let finite: Vec<f64> = stage.iter().copied().filter(|margin| margin.is_finite()).collect();
        let count = finite.len().max(1) as f64;
        let mean = finite.iter().sum::<f64>() / count;
        let deviation = (finite.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / count).sqrt();
        if !(deviation > 0.0 && deviation.is_finite()) {
            continue;
        }
        for (sum, margin) in sums.iter_mut().zip(*stage).filter(|(_, margin)| margin.is_finite()) {
            *sum += (margin - mean) / deviation;
        }
    }
    Ok(sums)
}

/// The logit of `label` less the largest other one, 0 where there is no other; `None` where not all are finite.
fn margin(row: &[f32], label: usize) -> Option<f64> {
    if row.iter().any(|logit| !logit.is_finite()) {
        return None;
    }
    let others = row.iter().enumerate().filter(|&(class, _)| class != label);
    let best_other = others.map(|(_, &logit)| f64::from(logit)).reduce(f64::max);
    Some(best_other.map_or(0.0, |best| f64::from(row[label]) - best))
}

/// Adds the softmax of a row of finite logits to `sum`.
fn add_softmax(sum: &mut [f32], logits: &[f32]) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    for (cell, logit) in sum.iter_mut().zip(logits) {
        *cell += (logit - largest).exp() / total;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_comes_back_from_its_quality() {
        for margin in [-1e4, -3.5, -0.1, 0.0, 0.25, 40.0] {
            let back = margin_of_quality(quality_of_margin(margin));
            assert!((back - margin).abs() <= 1e-8 * margin.abs().max(1.0), "{margin} came back as {back}");
        }
        assert_eq!(margin_of_quality(1.0), f64::INFINITY);
        assert_eq!(margin_of_quality(f64::NAN), 0.0);
    }

    #[test]
    fn the_margin_is_the_label_s_logit_less_the_best_other_scaled_and_averaged() {
        let mut history = MarginHistory::new(2, 3);
        // Margins 2, -3: root mean square sqrt(6.5). Then -1 and 1: 1.
        history.add(&[3.0, 1.0, 0.0, 0.0, 2.0, 5.0], &[0, 1]).unwrap();
        history.add(&[1.0, 2.0, 0.0, 0.0, 2.0, 1.0], &[0, 1]).unwrap();
        let scale = 6.5f64.sqrt();
        let expected = [(2.0 / scale - 1.0) / 2.0, (-3.0 / scale + 1.0) / 2.0];
        for (margin, expected) in history.margins().iter().zip(expected) {
            assert!((margin - expected).abs() < 1e-12);
        }
        let quality: Vec<f64> = expected.into_iter().map(quality_of_margin).collect();
        assert!(
            history.label_quality().iter().zip(quality).all(|(q, expected)| (q - expected).abs() < 1e-12)
        );
        let p = history.probabilities();
        assert!((p[..3].iter().sum::<f32>() - 1.0).abs() < 1e-6);
        let first = |a: f32, b: f32, c: f32| a.exp() / (a.exp() + b.exp() + c.exp());
        assert!((p[0] - (first(3.0, 1.0, 0.0) + first(1.0, 2.0, 0.0)) / 2.0).abs() < 1e-6);
    }

    #[test]
    fn passes_count_alike_whatever_their_scale() {
        let mut history = MarginHistory::new(2, 2);
        history.add(&[1000.0, 0.0, 1000.0, 0.0], &[0, 1]).unwrap();
        history.add(&[0.0, 0.001, 0.0, 0.001], &[0, 1]).unwrap();
        assert!(history.margins().iter().all(|margin| margin.abs() < 1e-6));
    }

    #[test]
    fn a_pass_with_nan_or_infinity_is_left_out_for_its_sample_alone() {
        let mut history = MarginHistory::new(2, 2);
        history.add(&[f32::NAN, 1.0, 4.0, 1.0], &[0, 0]).unwrap();
        assert_eq!(history.margins(), [0.0, 1.0]);
        assert_eq!(history.label_quality()[0], 0.5);
        assert_eq!(history.probabilities()[..2], [0.5, 0.5]);
        history.add(&[2.0, 1.0, f32::INFINITY, 1.0], &[0, 0]).unwrap();
        assert_eq!(history.margins(), [1.0, 1.0]);
    }

    #[test]
    fn quality_ranks_as_the_margin_does_also_where_a_logistic_function_is_flat() {
        let margins = [-1e9, -50.0, -49.999, -1.0, 0.0, 1e-9, 1.0, 36.9, 37.0, 45.0, 1e9];
        let quality: Vec<f64> = margins.iter().map(|&m| quality_of_margin(m)).collect();
        assert!(quality.windows(2).all(|pair| pair[0] < pair[1]));
        let ends = [f64::NEG_INFINITY, f64::NAN, f64::INFINITY].map(quality_of_margin);
        assert_eq!(ends, [0.0, 0.5, 1.0]);
    }

    #[test]
    fn a_history_survives_a_checkpoint_and_a_broken_one_is_refused() {
        let mut history = MarginHistory::new(1, 2);
        history.add(&[0.1, -0.7], &[1]).unwrap();
        let text = serde_json::to_string(&history).unwrap();
        assert_eq!(serde_json::from_str::<MarginHistory>(&text).unwrap(), history);
        let broken = text.replace("\"classes\":2", "\"classes\":3");
        assert!(serde_json::from_str::<MarginHistory>(&broken).is_err());
        let mut parts = history.into_parts();
        parts.margin_sum[0] = f64::NAN;
        assert!(MarginHistory::from_parts(parts).is_err());
    }

    #[test]
    fn stages_count_alike_whatever_their_scale() {
        let small = [0.0, 1.0, 2.0, f64::NAN];
        let large = [2000.0, 1000.0, 0.0, 0.0];
        let sum = combined_margins(&[&small, &large]).unwrap();
        let (unit, spread) = (1.5f64.sqrt(), (687_500.0f64).sqrt());
        let expected = [-unit + 1250.0 / spread, 250.0 / spread, unit - 750.0 / spread, -750.0 / spread];
        for (value, expected) in sum.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-12, "{sum:?}");
        }
        assert_eq!(combined_margins(&[&[3.0, 3.0]]).unwrap(), [0.0, 0.0]);
        assert!(combined_margins(&[&[1.0], &[1.0, 2.0]]).is_err());
    }

    #[test]
    fn with_one_class_every_label_is_as_good() {
        let mut history = MarginHistory::new(2, 1);
        history.add(&[3.0, -1.0], &[0, 0]).unwrap();
        assert_eq!(history.label_quality(), [0.5, 0.5]);
        assert_eq!(history.probabilities(), [1.0, 1.0]);
    }
}
