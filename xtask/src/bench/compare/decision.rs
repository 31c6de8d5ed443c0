//! Whether one program is slower than another, from figures that were measured in turn.
//!
//! The figures of a round belong together: what the machine did meanwhile met both programs. So each round gives one ratio,
//! NEW's time by OLD's, and what counts is the median of the ratios. Its confidence interval is that of the sign test, which
//! asks nothing of their distribution: half of all ratios lie below the true median, so how many of n do is binomial, and
//! between the k-th smallest and the k-th largest ratio lies the true median but for a chance of at most 5 % on each side.
//! NEW is slower where the lower end is above [`LIMIT`]: then chance does not explain it.

use std::fmt;

/// NEW may take so much longer than OLD.
pub(super) const LIMIT: f64 = 1.03;

/// Chance, at most, that the true median lies below the interval; as much again that it lies above.
const RISK: f64 = 0.05;

/// Rounds below which there is no interval with that risk: of four ratios all lie above the true median in one case of 16.
pub(super) const FEWEST_ROUNDS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    /// By more than the limit, whatever the spread.
    Slower,
    /// The whole interval is within the limit.
    AsFast,
    /// The limit lies in the interval: more rounds or a quieter machine would tell.
    Unclear,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slower => "SLOWER",
            Self::AsFast => "as fast",
            Self::Unclear => "unclear: more rounds",
        })
    }
}

/// NEW's time by OLD's, over all rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio {
    pub(super) median: f64,
    pub(super) lower: f64,
    pub(super) upper: f64,
}

impl Ratio {
    /// Of the work that each program did in a second, round by round. `None` for fewer than [`FEWEST_ROUNDS`].
    pub(super) fn of(old_per_second: &[f64], new_per_second: &[f64]) -> Option<Self> {
        let mut ratios: Vec<f64> =
            old_per_second.iter().zip(new_per_second).map(|(old, new)| old / new).collect();
        ratios.sort_by(f64::total_cmp);
        let (count, place) = (ratios.len(), place_of_bound(ratios.len())?);
        let median = f64::midpoint(ratios[(count - 1) / 2], ratios[count / 2]);
        Some(Self { median, lower: ratios[place], upper: ratios[count - 1 - place] })
    }

    pub(super) fn verdict(self) -> Verdict {
        if self.lower > LIMIT {
            Verdict::Slower
        } else if self.upper <= LIMIT {
            Verdict::AsFast
        } else {
            Verdict::Unclear
        }
    }
}

/// How many of `count` sorted ratios lie outside the interval on each side: as many as the risk allows.
fn place_of_bound(count: usize) -> Option<usize> {
    // That exactly k of them lie below the true median: count over k, by 2^count.
    let mut exactly = 0.5f64.powi(i32::try_from(count).ok()?);
    let mut at_most = 0.0;
    let mut place = None;
    for k in 0..count {
        at_most += exactly;
        if at_most > RISK {
            break;
        }
        place = Some(k);
        exactly *= (count - k) as f64 / (k + 1) as f64;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict on a program that does 100 a second, and one that takes these times as long.
    fn verdict(times: &[f64]) -> Option<Verdict> {
        let new: Vec<f64> = times.iter().map(|time| 100.0 / time).collect();
        Ratio::of(&vec![100.0; times.len()], &new).map(Ratio::verdict)
    }

    #[test]
    fn the_interval_is_that_of_the_sign_test() {
        // Conover, Practical Nonparametric Statistics, table A3: P(X <= k) for p = 0.5.
        let known = [
            (4, None),
            (5, Some(0)),
            (7, Some(0)),
            (8, Some(1)),
            (10, Some(1)),
            (11, Some(2)),
            (20, Some(5)),
        ];
        for (count, place) in known {
            assert_eq!(place_of_bound(count), place, "{count} rounds");
        }
        assert_eq!(place_of_bound(FEWEST_ROUNDS - 1), None);
    }

    #[test]
    fn a_program_that_is_slower_in_every_round_is_slower() {
        assert_eq!(verdict(&[1.05, 1.04, 1.06, 1.05, 1.05]), Some(Verdict::Slower));
    }

    #[test]
    fn one_round_that_was_disturbed_changes_no_verdict_of_eight() {
        assert_eq!(verdict(&[1.05, 1.05, 1.05, 0.5, 1.05, 1.05, 1.05, 1.05]), Some(Verdict::Slower));
        assert_eq!(verdict(&[1.0, 1.0, 1.0, 3.0, 1.0, 1.0, 1.0, 1.0]), Some(Verdict::AsFast));
    }

    #[test]
    fn less_than_the_limit_is_as_fast_and_so_is_faster() {
        assert_eq!(verdict(&[1.02, 1.03, 1.01, 1.02, 1.02]), Some(Verdict::AsFast));
        assert_eq!(verdict(&[0.5, 0.6, 0.5, 0.5, 0.5]), Some(Verdict::AsFast));
    }

    #[test]
    fn a_spread_over_the_limit_is_no_verdict() {
        assert_eq!(verdict(&[1.2, 0.9, 1.1, 1.0, 1.3]), Some(Verdict::Unclear));
        assert_eq!(verdict(&[1.2; 4]), None);
    }

    #[test]
    fn rounds_are_compared_with_themselves() {
        // The machine became twice as slow; NEW is 5 % slower in each round.
        let old = [100.0, 100.0, 50.0, 50.0, 50.0];
        let new = old.map(|figure| figure / 1.05);
        let ratio = Ratio::of(&old, &new).unwrap();
        assert!((ratio.median - 1.05).abs() < 1e-12 && (ratio.upper - ratio.lower) < 1e-12, "{ratio:?}");
        assert_eq!(ratio.verdict(), Verdict::Slower);
    }
}
