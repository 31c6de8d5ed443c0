//! What the rows of a table differ in: programs as a rule, else an amount of something.

use serde::{Deserialize, Serialize};

/// What a table has a row for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Along {
    /// Each program.
    #[default]
    Programs,
    /// Each layer of this project's network.
    Layers,
    /// This project with one thread, with two, and so on to all.
    Threads,
    /// This project on few images and on many.
    Images,
    /// This project after few steps and after many.
    Steps,
}

impl Along {
    /// What the rows have of it; nothing where they differ in something else.
    pub(super) fn amounts(self, threads: usize, quick: bool) -> Vec<Option<usize>> {
        let part = if quick { QUICK_PART } else { 1 };
        match self {
            Self::Programs | Self::Layers => vec![None],
            Self::Threads => {
                let doubled = std::iter::successors(Some(1), |n| Some(2 * n)).take_while(|n| *n < threads);
                doubled.chain([threads]).map(Some).collect()
            }
            Self::Images => SETS.map(|images| Some(images / part)).to_vec(),
            Self::Steps => STEPS.map(|steps| Some(steps / part)).to_vec(),
        }
    }
}

/// Images of the sets whose epochs are compared; `prepare` makes as many files as the largest has.
const SETS: [usize; 4] = [512, 1024, 2048, 4096];
/// Steps after which memory is compared.
const STEPS: [usize; 2] = [10, 40];
/// A quick run does so much less of either.
const QUICK_PART: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_doubled_up_to_all() {
        let threads = |all| Along::Threads.amounts(all, false).into_iter().flatten().collect::<Vec<_>>();
        assert_eq!([threads(1), threads(2), threads(6)], [vec![1], vec![1, 2], vec![1, 2, 4, 6]]);
    }

    #[test]
    fn a_quick_run_has_less_of_each_and_programs_have_no_amount() {
        assert_eq!(Along::Images.amounts(2, true), [128, 256, 512, 1024].map(Some));
        assert_eq!(Along::Programs.amounts(2, false), [None]);
    }
}
