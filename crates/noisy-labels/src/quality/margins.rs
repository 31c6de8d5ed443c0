//! Area under the margin (Pleiss et al. 2020, "Identifying mislabeled data using the area under the margin ranking").

use serde::{Deserialize, Serialize};

use crate::class_table::{ClassTable, softmax_in_place};
use crate::error::{Error, Result, check_length};

/// The margin of each sample's given label, and its predicted probabilities, summed over epochs and networks.
///
/// The margin is the logit of the given label less the largest other logit. The samples that resemble a wrongly labelled one pull
/// against its label, so its margin stays low throughout training, also where the network memorises the label in the
/// end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "MarginParts", into = "MarginParts")]
pub struct MarginHistory {
    parts: MarginParts,
}

/// A [`MarginHistory`] as plain numbers, for checkpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarginParts {
    /// The number of classes, C.
    pub classes: usize,
    /// The number of passes that each sample's sums hold; N values.
    pub passes: Vec<u32>,
    /// The sum of margins over the passes, each pass scaled to a root mean square of 1; N values.
    pub margin_sum: Vec<f64>,
    /// The sum of softmax probabilities over the passes; `[N, C]`, row-major. It is f32 because it is the largest part by far, and
    /// is read to few digits.
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
    /// With a single class the margin is 0, because there is no other class.
    ///
    /// The pass's margins are divided by their root mean square, so that passes count alike: a young network's logits may
    /// be huge, and say little.
    ///
    /// # Shapes
    /// `logits`: `[N, C]`; `labels`: the N given labels.
    ///
    /// # Errors
    /// [`Error::Length`] where the lengths are not those of this history; [`Error::Label`] for a label that is not a class.
    pub fn add(&mut self, logits: &ClassTable, labels: &[usize]) -> Result<()> {
        let parts = &mut self.parts;
        check_length("labels", parts.passes.len(), labels.len())?;
        check_length("classes of the logits", parts.classes, logits.classes())?;
        logits.check_labels("logits", labels)?;
        let margins: Vec<Option<f64>> =
            logits.rows().zip(labels).map(|(row, &label)| margin(row, label)).collect();
        let known = margins.iter().flatten().count().max(1) as f64;
        let scale = (margins.iter().flatten().map(|m| m * m).sum::<f64>() / known).sqrt();
        let sums = parts.probability_sum.chunks_exact_mut(parts.classes.max(1));
        let mut probabilities = vec![0.0; parts.classes];
        for (sample, ((row, sum), margin)) in logits.rows().zip(sums).zip(margins).enumerate() {
            let Some(margin) = margin else { continue };
            if scale > 0.0 {
                parts.margin_sum[sample] += margin / scale;
            }
            probabilities.copy_from_slice(row);
            softmax_in_place(&mut probabilities);
            sum.iter_mut().zip(&probabilities).for_each(|(sum, p)| *sum += p);
            parts.passes[sample] += 1;
        }
        Ok(())
    }

    /// The mean margin of each sample, in units of a pass's usual margin; 0 for a sample without a pass.
    pub fn margins(&self) -> Vec<f64> {
        let mean = |(&sum, &passes): (&f64, &u32)| if passes == 0 { 0.0 } else { sum / f64::from(passes) };
        self.parts.margin_sum.iter().zip(&self.parts.passes).map(mean).collect()
    }

    /// The quality of each label, in `0..=1`, where a low value means a bad label: [`quality_of_margin`] of the mean margin, which ranks
    /// labels alike. A sample without a pass gets 0.5.
    pub fn label_quality(&self) -> Vec<f64> {
        self.margins().into_iter().map(quality_of_margin).collect()
    }

    /// The mean probabilities `[N, C]`; a uniform row for a sample without a pass.
    pub fn probabilities(&self) -> ClassTable {
        let classes = self.parts.classes;
        let rows = self.parts.probability_sum.chunks_exact(classes.max(1)).zip(&self.parts.passes);
        let mean = |(row, &passes): (&[f32], &u32)| -> Vec<f32> {
            if passes == 0 {
                vec![1.0 / classes as f32; classes]
            } else {
                row.iter().map(|sum| sum / passes as f32).collect()
            }
        };
        let values = rows.flat_map(mean).collect();
        // The sums are N rows of C, by the constructors.
        ClassTable::new(values, classes).expect("N rows of C values")
    }

    /// The history as plain numbers.
    pub fn into_parts(self) -> MarginParts {
        self.parts
    }

    /// The history of these numbers.
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
            Some(value) => {
                Err(Error::OutOfRange { name: "a sum of margins or probabilities", value, range: "finite" })
            }
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

/// A margin as a quality in `0..=1`: `1/2 + m / (2 (1 + |m|))`. It is 0.5 where the margin is 0, which is where another class
/// is as likely as the given label. NaN counts as 0.
///
/// It rises strictly, and so slowly that margins keep their order in f64; a logistic function would be 1 from 37 on.
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
/// logits does not outvote the others. A margin that is not finite counts as its stage's mean. A stage whose margins are all equal
/// adds nothing.
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

/// The logit of `label` less the largest other logit; 0 where there is no other, and `None` where not all are finite.
fn margin(row: &[f32], label: usize) -> Option<f64> {
    if row.iter().any(|logit| !logit.is_finite()) {
        return None;
    }
    let others = row.iter().enumerate().filter(|&(class, _)| class != label);
    let best_other = others.map(|(_, &logit)| f64::from(logit)).reduce(f64::max);
    Some(best_other.map_or(0.0, |best| f64::from(row[label]) - best))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(logits: &[f32], classes: usize) -> ClassTable {
        ClassTable::new(logits.to_vec(), classes).unwrap()
    }

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
        history.add(&table(&[3.0, 1.0, 0.0, 0.0, 2.0, 5.0], 3), &[0, 1]).unwrap();
        history.add(&table(&[1.0, 2.0, 0.0, 0.0, 2.0, 1.0], 3), &[0, 1]).unwrap();
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
        let p = p.row(0);
        assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        let first = |a: f32, b: f32, c: f32| a.exp() / (a.exp() + b.exp() + c.exp());
        assert!((p[0] - (first(3.0, 1.0, 0.0) + first(1.0, 2.0, 0.0)) / 2.0).abs() < 1e-6);
    }

    #[test]
    fn passes_count_alike_whatever_their_scale() {
        let mut history = MarginHistory::new(2, 2);
        history.add(&table(&[1000.0, 0.0, 1000.0, 0.0], 2), &[0, 1]).unwrap();
        history.add(&table(&[0.0, 0.001, 0.0, 0.001], 2), &[0, 1]).unwrap();
        assert!(history.margins().iter().all(|margin| margin.abs() < 1e-6));
    }

    #[test]
    fn a_pass_with_nan_or_infinity_is_left_out_for_its_sample_alone() {
        let mut history = MarginHistory::new(2, 2);
        history.add(&table(&[f32::NAN, 1.0, 4.0, 1.0], 2), &[0, 0]).unwrap();
        assert_eq!(history.margins(), [0.0, 1.0]);
        assert_eq!(history.label_quality()[0], 0.5);
        assert_eq!(history.probabilities().row(0), [0.5, 0.5]);
        history.add(&table(&[2.0, 1.0, f32::INFINITY, 1.0], 2), &[0, 0]).unwrap();
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
        history.add(&table(&[0.1, -0.7], 2), &[1]).unwrap();
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
    fn a_pass_whose_margins_are_all_0_adds_none() {
        let mut history = MarginHistory::new(1, 2);
        history.add(&table(&[3.0, 3.0], 2), &[0]).unwrap();
        assert_eq!((history.margins(), history.label_quality()), (vec![0.0], vec![0.5]));
    }

    #[test]
    fn with_one_class_every_label_is_as_good() {
        let mut history = MarginHistory::new(2, 1);
        history.add(&table(&[3.0, -1.0], 1), &[0, 0]).unwrap();
        assert_eq!(history.label_quality(), [0.5, 0.5]);
        assert_eq!(history.probabilities(), table(&[1.0, 1.0], 1));
    }
}
