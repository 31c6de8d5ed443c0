//! Mean and deviation.

use serde::Serialize;

/// A figure over the runs of a group in which it is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation, of a sample: the squares are divided by one less than the runs. `None` for one run.
    pub deviation: Option<f64>,
    /// Number of runs in which it is known.
    pub runs: usize,
}

impl Spread {
    /// Over these values; `None` where there are none.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        Some(Self { mean, deviation, runs: values.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        // By hand: the squares of -1, 0, 1 divided by 2.
        assert_eq!(Spread::of(&[1.0, 2.0, 3.0]), Some(Spread { mean: 2.0, deviation: Some(1.0), runs: 3 }));
        assert_eq!(Spread::of(&[0.5]), Some(Spread { mean: 0.5, deviation: None, runs: 1 }));
        assert_eq!(Spread::of(&[]), None);
    }
}
