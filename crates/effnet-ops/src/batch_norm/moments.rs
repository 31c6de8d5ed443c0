//! Mean and variance of each channel, of a few rows at a time.

use crate::channels::{ChannelTerms, Rows, sums_here};
use crate::dispatch::Level;
use crate::simd::Simd;

/// Count, mean, and sum of squared deviations from it, of each channel.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    count: usize,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    /// Of the rows [.., channels], in this thread.
    ///
    /// The sums are taken about the mean of up to 16 of the rows, which is near enough to the channel's mean that the
    /// variance does not drown in the difference of two large numbers.
    pub(crate) fn of(level: Level, x: &[f32], channels: usize) -> Self {
        const SAMPLES: usize = 16;
        let count = x.len() / channels;
        let samples = SAMPLES.min(count);
        let mut shift = vec![0f32; channels];
        for sample in 0..samples {
            let row = sample * count / samples;
            for (shift, x) in shift.iter_mut().zip(&x[row * channels..]) {
                *shift += x;
            }
        }
        let share = 1.0 / samples as f32;
        shift.iter_mut().for_each(|shift| *shift *= share);
        let shape = Rows { groups: 1, rows: count, channels };
        let [first, second] = sums_here(level, shape, [x], [&shift], Deviations);
        let n = count as f64;
        Self {
            count,
            mean: first.iter().zip(&shift).map(|(first, shift)| f64::from(*shift) + first / n).collect(),
            squares: first.iter().zip(&second).map(|(a, b)| (b - a * a / n).max(0.0)).collect(),
        }
    }

    /// Of all rows together (Chan, Golub & LeVeque, "Algorithms for computing the sample variance", 1983).
    pub(crate) fn together(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or(Self { count: 0, mean: vec![], squares: vec![] });
        for part in parts {
            let (a, b) = (all.count as f64, part.count as f64);
            let n = a + b;
            for c in 0..all.mean.len() {
                let difference = part.mean[c] - all.mean[c];
                all.mean[c] += difference * b / n;
                all.squares[c] += part.squares[c] + difference * difference * a * b / n;
            }
            all.count += part.count;
        }
        all
    }

    /// Mean and biased variance of each channel.
    pub(crate) fn mean_and_variance(self) -> (Vec<f64>, Vec<f64>) {
        let n = self.count as f64;
        (self.mean, self.squares.into_iter().map(|squares| squares / n).collect())
    }
}

#[derive(Clone, Copy)]
struct Deviations;

impl ChannelTerms<1, 1, 2> for Deviations {
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, [x]: [S::F; 1], [shift]: [S::F; 1]) -> [S::F; 2] {
        let d = s.sub(x, shift);
        [d, s.mul(d, d)]
    }
}
