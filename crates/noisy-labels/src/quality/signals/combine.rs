//! Several signals as one quality.

use crate::error::{Error, Result, check_length};
use crate::quality::margins::quality_of_margin;

/// A signal: how trustworthy each label is by one way of judging, and how much it counts.
#[derive(Debug, Clone, Copy)]
pub struct Signal<'a> {
    /// A margin for each sample: above 0 where the label is the most probable class, below 0 where another is. NaN: nothing is
    /// known.
    pub margins: &'a [f64],
    /// How much the signal counts beside the others; 0 leaves it out.
    pub weight: f64,
}

/// The quality of each label by several signals, in `0..=1`, where a low value means a bad label and 0.5 that another class is as
/// likely.
///
/// Each signal's margins are divided by their root mean square, so that no signal outvotes the others by its unit, and bounded,
/// `m / (1 + |m|)`, so that none outvotes the others by one huge margin. The quality is [`quality_of_margin`] of their weighted
/// mean. A signal in which nothing is known of a sample (NaN) is left out of that sample's mean; a sample of which no signal
/// knows anything gets 0.5.
///
/// Margins are not standardised for each class by itself: where a class is given to many wrong labels, its margins are low for
/// good reason, and to take their mean away costs a point of AUC on people's labels
/// (docs/benchmarks/notebook/2026-11-29-signals.md).
///
/// # Errors
/// [`Error::Length`] where the signals differ in length; [`Error::OutOfRange`] for a weight that is below 0 or not finite.
pub fn combined_quality(signals: &[Signal<'_>]) -> Result<Vec<f64>> {
    let samples = signals.first().map_or(0, |signal| signal.margins.len());
    let (mut sums, mut weights) = (vec![0.0; samples], vec![0.0; samples]);
    for signal in signals {
        check_length("margins of a signal", samples, signal.margins.len())?;
        if !(signal.weight >= 0.0 && signal.weight.is_finite()) {
            let (name, range) = ("the weight of a signal", "a number of 0 or more");
            return Err(Error::OutOfRange { name, value: signal.weight, range });
        }
        let finite = || signal.margins.iter().filter(|margin| margin.is_finite());
        let square = finite().map(|margin| margin * margin).sum::<f64>() / finite().count().max(1) as f64;
        let unit = if square > 0.0 { square.sqrt() } else { 1.0 };
        for ((sum, weight), margin) in sums.iter_mut().zip(&mut weights).zip(signal.margins) {
            if !margin.is_nan() {
                *sum += signal.weight * bounded(margin / unit);
                *weight += signal.weight;
            }
        }
    }
    let mean = |(sum, weight): (f64, f64)| if weight > 0.0 { sum / weight } else { 0.0 };
    Ok(sums.into_iter().zip(weights).map(mean).map(|mean| 0.5 + 0.5 * mean).collect())
}

/// `m / (1 + |m|)`, between -1 and 1.
fn bounded(margin: f64) -> f64 {
    2.0 * quality_of_margin(margin) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn combine(signals: &[(&[f64], f64)]) -> Result<Vec<f64>> {
        let signals = signals.iter().map(|&(margins, weight)| Signal { margins, weight });
        combined_quality(&signals.collect::<Vec<_>>())
    }

    #[test]
    fn the_quality_is_the_mean_of_margins_in_their_usual_size() {
        // The root mean squares are 5 and 1.
        let (a, b) = ([7.0, -1.0], [-1.0, 1.0]);
        let bounded = |margin: f64| margin / (1.0 + margin.abs());
        let expected = [
            (bounded(7.0 / 5.0) + 3.0 * bounded(-1.0)) / 4.0,
            (bounded(-1.0 / 5.0) + 3.0 * bounded(1.0)) / 4.0,
        ];
        let found = combine(&[(&a, 1.0), (&b, 3.0)]).unwrap();
        found
            .iter()
            .zip(expected)
            .for_each(|(q, mean)| assert!((q - 0.5 - 0.5 * mean).abs() < 1e-12, "{found:?}"));
        let thousandfold = combine(&[(&a.map(|margin| 1000.0 * margin), 1.0), (&b, 3.0)]).unwrap();
        found.iter().zip(thousandfold).for_each(|(q, same)| assert!((q - same).abs() < 1e-12));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let (a, b) = ([1.0, f64::NAN, f64::NAN, -1.0], [f64::NAN, 1.0, f64::NAN, f64::NAN]);
        assert_eq!(combine(&[(&a, 1.0), (&b, 2.0)]).unwrap(), [0.75, 0.75, 0.5, 0.25]);
        assert_eq!(combine(&[(&a, 0.0)]).unwrap(), [0.5; 4]);
        assert_eq!(combine(&[(&[0.0, f64::INFINITY, f64::NEG_INFINITY], 1.0)]).unwrap(), [0.5, 1.0, 0.0]);
        assert_eq!(combine(&[]).unwrap(), [0.0; 0]);
        assert!(combine(&[(&a, 1.0), (&[0.0], 1.0)]).is_err());
        assert!(combine(&[(&a, -1.0)]).is_err() && combine(&[(&a, f64::NAN)]).is_err());
    }
}
