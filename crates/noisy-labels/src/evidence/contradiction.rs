//! How often the labels of the surest predictions are contradicted.

use crate::class_table::{ClassTable, argmax};
use crate::error::Result;

/// The surest part of each predicted class, from which the rate among the very surest is extrapolated.
const SURE: f64 = 0.5;

/// The surest part of each predicted class whose rate bounds the noise rate from above.
const FAIRLY_SURE: f64 = 0.6;

/// Scores whose relative difference is no larger than this are the same.
const ROUNDING: f32 = 1e-5;

/// A standard normal number is above this in 5 % of cases, and so outside of both ends of a range in 10 %.
const DEVIATE: f64 = 1.645;

/// How predictions contradict the labels of samples that the predictor has not learnt from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contradictions {
    /// The number of samples.
    pub samples: usize,
    /// The number of classes that samples are given. A class that no sample is given counts as little as one that is not in the table.
    pub classes: usize,
    /// The share of labels that equal the prediction.
    pub agreement: f64,
    /// The share of the most frequent label, which is the agreement of a predictor that knows nothing else.
    pub baseline: f64,
    /// Whether all samples have the same scores, except for rounding.
    pub alike: bool,
    /// The share of contradicted labels where the predictor is surest, extrapolated by a parabola whose slope is 0 there.
    pub surest: f64,
    /// The same share extrapolated by a line, less 1.645 standard errors. It is a lower bound, since disagreement by difficulty rises
    /// from 0 more slowly than a line where the predictor is surest.
    pub surest_at_least: f64,
    /// The share of wrong labels where the predictor is surest, if wrong labels were drawn by chance, estimated from the implausible
    /// labels alone: those whose class is in the lower half by score, of the classes that are given or predicted. A difficult image is confused with a class that resembles it, so
    /// a weak predictor does not make labels implausible. Extrapolated as [`Self::surest`].
    pub implausible: f64,
    /// The lower bound of [`Self::implausible`], made as [`Self::surest_at_least`].
    pub implausible_at_least: f64,
    /// The share of the predictions that agree with the label where the predictor is surest, and no longer do in the middle of its
    /// predictions; 0 for a predictor that is never unsure.
    pub rise: f64,
    /// The upper bound, by Wilson's score at 95 %, of the share of contradicted labels in the surer 60 % of the predictions.
    pub fairly_sure_at_most: f64,
}

impl Contradictions {
    /// The contradictions of these predictions. How sure a prediction is, is its rank among the predictions of its class, by the
    /// margin of the largest score over the second. So no class, and no unit of the scores, counts more than another.
    ///
    /// # Shapes
    /// `scores`: `[N, C]`, of any unit; a row with a NaN is left out. `labels`: N ids below C.
    ///
    /// # Errors
    /// [`crate::Error::Length`] where the lengths do not fit; [`crate::Error::Label`] for an id that is not a class.
    pub fn count(scores: &ClassTable, labels: &[usize]) -> Result<Self> {
        scores.check_labels("scores", labels)?;
        let rows = || {
            let rows = scores.rows().zip(labels);
            rows.filter(|(row, _)| !row.iter().any(|score| score.is_nan()))
        };
        let mut given = vec![0usize; scores.classes()];
        rows().for_each(|(_, &label)| given[label] += 1);
        let mut occurs: Vec<bool> = given.iter().map(|count| *count > 0).collect();
        rows().for_each(|(row, _)| occurs[argmax(row)] = true);
        let occurring: Vec<usize> = (0..occurs.len()).filter(|&class| occurs[class]).collect();
        let mut by_class: Vec<Vec<Judged>> = vec![Vec::new(); scores.classes()];
        let mut first: Option<&[f32]> = None;
        let mut alike = true;
        for (row, &label) in rows() {
            let near = |(a, b): (&f32, &f32)| (a - b).abs() <= ROUNDING * a.abs().max(b.abs());
            alike &= first.get_or_insert(row).iter().zip(row).all(near);
            let class = argmax(row);
            let second = row.iter().enumerate().filter(|&(other, _)| other != class);
            let second = second.map(|(_, &score)| score).fold(f32::NEG_INFINITY, f32::max);
            let above = occurring.iter().filter(|&&class| row[class] > row[label]).count();
            by_class[class].push(Judged {
                margin: row[class] - second,
                contradicted: class != label,
                implausible: above >= occurring.len() - occurring.len() / 2,
            });
        }
        // Each sample with its rank within its predicted class, from 0 (the surest) to 1.
        let mut ranked: Vec<(f64, Judged)> = Vec::with_capacity(labels.len());
        for predictions in &mut by_class {
            predictions.sort_by(|a, b| b.margin.total_cmp(&a.margin));
            let size = predictions.len() as f64;
            ranked.extend(
                predictions.iter().zip(0..).map(|(judged, rank)| ((f64::from(rank) + 0.5) / size, *judged)),
            );
        }
        let samples = ranked.len();
        let share = |count: usize| count as f64 / samples.max(1) as f64;
        let sure = |part: f64, what: fn(&Judged) -> bool| {
            let within = ranked.iter().filter(move |(rank, _)| *rank <= part);
            within.map(move |(rank, judged)| (*rank, f64::from(u8::from(what(judged)))))
        };
        let contradicted = Extrapolated::of(sure(SURE, |judged| judged.contradicted));
        // A wrong label that is drawn by chance is implausible with probability 1 / scale.
        let scale = occurring.len().saturating_sub(1) as f64 / (occurring.len() / 2).max(1) as f64;
        let implausible = Extrapolated::of(sure(SURE, |judged| judged.implausible));
        let right = (1.0 - contradicted.line).clamp(f64::EPSILON, 1.0);
        Ok(Self {
            samples,
            classes: given.iter().filter(|count| **count > 0).count(),
            agreement: share(ranked.iter().filter(|(_, judged)| !judged.contradicted).count()),
            baseline: share(given.into_iter().max().unwrap_or(0)),
            alike,
            surest: contradicted.parabola.clamp(0.0, 1.0),
            surest_at_least: contradicted.at_least().clamp(0.0, 1.0),
            implausible: (scale * implausible.parabola).clamp(0.0, 1.0),
            implausible_at_least: (scale * implausible.at_least()).clamp(0.0, 1.0),
            rise: (contradicted.slope * SURE / right).max(0.0),
            fairly_sure_at_most: wilson_upper(
                sure(FAIRLY_SURE, |judged| judged.contradicted).map(|(_, value)| value),
            ),
        })
    }
}

/// A sample's label compared with its prediction.
#[derive(Clone, Copy)]
struct Judged {
    /// The margin of the largest score over the second.
    margin: f32,
    contradicted: bool,
    implausible: bool,
}

/// A share as a function of the rank, extrapolated to rank 0.
struct Extrapolated {
    /// The value of a line at rank 0.
    line: f64,
    line_error: f64,
    slope: f64,
    /// The value at rank 0 of a parabola whose slope is 0 there.
    parabola: f64,
}

impl Extrapolated {
    fn of(points: impl Iterator<Item = (f64, f64)> + Clone) -> Self {
        let (line, line_error, slope) = intercept(points.clone());
        let (parabola, ..) = intercept(points.map(|(rank, value)| (rank * rank, value)));
        Self { line, line_error, slope, parabola }
    }

    fn at_least(&self) -> f64 {
        self.line - DEVIATE * self.line_error
    }
}

/// The intercept of the least squares line through the points, its standard error, which does not assume equal variances (White
/// 1980), and the slope. Without two different places these are the mean, 1 (nothing is known), and 0.
fn intercept(points: impl Iterator<Item = (f64, f64)> + Clone) -> (f64, f64, f64) {
    let n = points.clone().count() as f64;
    if n == 0.0 {
        return (0.0, 1.0, 0.0);
    }
    let mean = |of: fn((f64, f64)) -> f64| points.clone().map(of).sum::<f64>() / n;
    let (mean_x, mean_y) = (mean(|(x, _)| x), mean(|(_, y)| y));
    let spread: f64 = points.clone().map(|(x, _)| (x - mean_x).powi(2)).sum();
    if spread <= 0.0 || n < 3.0 {
        return (mean_y, 1.0, 0.0);
    }
    let slope = points.clone().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread;
    let at_zero = mean_y - slope * mean_x;
    // The intercept is the sum of the values with these weights.
    let weight = |x: f64| 1.0 / n - mean_x * (x - mean_x) / spread;
    let variance: f64 = points.map(|(x, y)| (weight(x) * (y - at_zero - slope * x)).powi(2)).sum();
    (at_zero, variance.sqrt(), slope)
}

/// The one-sided upper bound of a share at 95 % (Wilson 1927); 1 without values.
fn wilson_upper(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = values.clone().count() as f64;
    if n == 0.0 {
        return 1.0;
    }
    let share = values.sum::<f64>() / n;
    let z2 = DEVIATE * DEVIATE;
    let centre = share + z2 / (2.0 * n);
    let spread = DEVIATE * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre + spread) / (1.0 + z2 / n)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(scores: &[f32], labels: &[usize], classes: usize) -> Contradictions {
        Contradictions::count(&ClassTable::new(scores.to_vec(), classes).unwrap(), labels).unwrap()
    }

    /// The contradictions of scores of two classes whose margins fall from 1 to 0 over the samples, class 0 and 1 in turn. A label is
    /// contradicted with probability `wrong`, and with `difficult` times the rank squared in addition.
    fn made(samples: usize, wrong: f64, difficult: f64) -> Contradictions {
        let mut scores = Vec::new();
        let mut labels = Vec::new();
        for i in 0..samples {
            let rank = i as f64 / samples as f64;
            let class = i % 2;
            let margin = (1.0 - rank) as f32;
            scores.extend(if class == 0 { [margin, 0.0] } else { [0.0, margin] });
            // Uniform in 0..1, and as good as independent of the rank.
            let chance = (i as f64 * 0.618_033_988_749_895).fract();
            labels.push(if chance < wrong + difficult * rank * rank { 1 - class } else { class });
        }
        count(&scores, &labels, 2)
    }

    #[test]
    fn difficulty_vanishes_where_the_predictor_is_surest_and_wrong_labels_do_not() {
        let difficult = made(4000, 0.0, 0.5);
        assert!(difficult.surest < 0.01, "{difficult:?}");
        assert_eq!(difficult.surest_at_least, 0.0);
        assert!(difficult.agreement < 0.86, "{difficult:?}");
        let wrong = made(4000, 0.2, 0.0);
        assert!((wrong.surest - 0.2).abs() < 0.02, "{wrong:?}");
        assert!(wrong.surest_at_least > 0.15 && wrong.surest_at_least < 0.2, "{wrong:?}");
        assert!(wrong.fairly_sure_at_most > 0.2 && wrong.fairly_sure_at_most < 0.23, "{wrong:?}");
        let both = made(4000, 0.1, 0.4);
        assert!((both.surest - 0.1).abs() < 0.02, "{both:?}");
    }

    /// Ten classes; the surer the prediction, the more often it is the given class, and else the given class is the second by score
    /// (a weak predictor), or any other (labels by chance).
    fn weak_or_wrong(by_chance: bool) -> Contradictions {
        let (mut scores, mut labels) = (Vec::new(), Vec::new());
        for i in 0..6000usize {
            let rank = i as f64 / 6000.0;
            let class = i % 10;
            let mut row = [0.0f32; 10];
            (0..10).for_each(|step| row[(class + step) % 10] = (9 - step) as f32 * 0.1);
            row[class] = 0.9 + (1.0 - rank) as f32;
            let chance = (i as f64 * 0.618_033_988_749_895).fract();
            let wrong = if by_chance { chance < 0.4 } else { chance < 0.25 + 0.6 * rank };
            let step = if by_chance { 1 + (i / 10) % 9 } else { 1 };
            labels.push(if wrong { (class + step) % 10 } else { class });
            scores.extend(row);
        }
        count(&scores, &labels, 10)
    }

    #[test]
    fn a_weak_predictor_makes_no_label_implausible_and_chance_does() {
        let weak = weak_or_wrong(false);
        assert!(weak.rise > 0.3 && weak.surest_at_least > 0.15 && weak.implausible < 0.01, "{weak:?}");
        let wrong = weak_or_wrong(true);
        assert!(wrong.rise < 0.1 && (wrong.implausible - 0.4).abs() < 0.05, "{wrong:?}");
        assert!(wrong.implausible_at_least > 0.3 && wrong.implausible_at_least < 0.4, "{wrong:?}");
    }

    /// Scores of two classes, of which the first is always predicted, with margins that fall from sample to sample.
    fn falling(samples: usize) -> Vec<f32> {
        (0..samples).flat_map(|i| [1.0 - i as f32 / samples as f32, 0.0]).collect()
    }

    #[test]
    fn the_rank_of_a_prediction_is_the_middle_of_its_share() {
        // One prediction has the rank 1/2, which is within the surest half.
        assert_eq!(count(&falling(1), &[1], 2).surest, 1.0);
        // Of four, with the ranks 1/8, 3/8, 5/8 and 7/8, two are within it; two points have no line, but a mean.
        assert_eq!(count(&falling(4), &[0, 1, 1, 1], 2).surest, 0.5);
    }

    #[test]
    fn labels_contradicted_less_often_where_the_predictor_is_less_sure_are_no_rise() {
        assert_eq!(count(&falling(8), &[1, 1, 0, 0, 0, 0, 0, 0], 2).rise, 0.0);
    }

    #[test]
    fn scores_that_differ_by_rounding_are_alike() {
        assert!(count(&[1.0, 2.0, 1.0 + 5e-6, 2.0], &[0, 1], 2).alike);
        assert!(!count(&[1.0, 2.0, 1.0 + 5e-5, 2.0], &[0, 1], 2).alike);
    }

    #[test]
    fn the_baseline_is_the_most_frequent_label() {
        let found = count(&[0.9, 0.1, 0.9, 0.1, 0.9, 0.1], &[0, 0, 1], 2);
        assert_eq!((found.samples, found.agreement, found.baseline), (3, 2.0 / 3.0, 2.0 / 3.0));
    }

    #[test]
    fn a_unit_of_the_scores_and_rows_of_nan_change_nothing() {
        let (scores, labels) = ([0.9f32, 0.1, 0.2, 0.8, 0.6, 0.4], [0, 1, 1]);
        let found = count(&scores, &labels, 2);
        let scaled = scores.map(|score| 100.0 * score - 3.0);
        assert_eq!(count(&scaled, &labels, 2), found);
        let with_nan = [scores.as_slice(), &[f32::NAN, 1.0]].concat();
        assert_eq!(count(&with_nan, &[0, 1, 1, 0], 2), found);
        let nothing = count(&[], &[], 2);
        assert_eq!((nothing.samples, nothing.fairly_sure_at_most), (0, 1.0));
        let row = ClassTable::new(vec![0.1, 0.2], 2).unwrap();
        assert!(Contradictions::count(&row, &[]).is_err() && Contradictions::count(&row, &[2]).is_err());
    }

    #[test]
    fn a_class_that_is_neither_given_nor_predicted_changes_nothing() {
        let mut chance = (0..).map(|i| (f64::from(i) * 0.618_033_988_749_895).fract());
        let (mut scores, mut wider, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..600usize {
            let class = i % 4;
            let score =
                |c: usize| if c == class { 2.0 - i as f32 / 600.0 } else { (c * 7 % 5) as f32 / 10.0 };
            let row = [0, 1, 2, 3].map(score);
            scores.extend(row);
            wider.extend(row.into_iter().chain([-1.0; 6]));
            let wrong = chance.next().unwrap() < 0.3;
            labels.push(if wrong { (class + 1 + i / 4 % 3) % 4 } else { class });
        }
        let found = count(&scores, &labels, 4);
        assert!(found.implausible > 0.2, "{found:?}");
        assert_eq!(count(&wider, &labels, 10), found);
        assert_eq!(found.classes, 4);
    }

    #[test]
    fn the_intercepts_error_is_that_of_repeated_draws() {
        // 200 draws of 100 points around 0.3 + 0.2 x: how far their intercepts spread, against the error that each claims.
        let mut found = Vec::new();
        for draw in 0..200usize {
            let point = |i: usize| {
                let x = i as f64 / 100.0;
                let chance = ((draw * 7919 + i * 104_729) as f64 * 0.618_033_988_749_895).fract();
                (x, f64::from(u8::from(chance < 0.3 + 0.2 * x)))
            };
            found.push(intercept((0..100).map(point)));
        }
        let mean = found.iter().map(|(at, ..)| at).sum::<f64>() / 200.0;
        let spread = (found.iter().map(|(at, ..)| (at - mean).powi(2)).sum::<f64>() / 200.0).sqrt();
        let claimed = found.iter().map(|(_, error, _)| error).sum::<f64>() / 200.0;
        assert!((mean - 0.3).abs() < 0.02, "{mean}");
        assert!(claimed > 0.06 && claimed < 0.12 && spread < 0.13, "{spread} {claimed}");
    }

    #[test]
    fn wilsons_bound_is_the_published_one() {
        // statsmodels 0.14: proportion_confint(10, 100, alpha=0.1, method="wilson")[1]
        let ten = (0..100).map(|i| f64::from(u8::from(i < 10)));
        assert!((wilson_upper(ten) - 0.160_236).abs() < 1e-3);
    }
}
