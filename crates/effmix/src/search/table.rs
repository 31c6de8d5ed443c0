//! What came of a search: `search.csv`.

use std::path::Path;

use effnet_model::Bases;
use serde::{Deserialize, Serialize};

use super::networks::{Kind, Subject};
use crate::Result;
use crate::files::write_atomic;

/// A row of `search.csv`: a network, what it costs and how well it learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Place, counted from 1: the longest trained first, and of these the most accurate.
    pub rank: usize,
    /// Its name, and its run folder's.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// What the baseline's depth was multiplied by.
    pub alpha: f64,
    /// What its width was multiplied by.
    pub beta: f64,
    /// What its resolution was multiplied by.
    pub gamma: f64,
    /// alpha beta^2 gamma^2 less 2.
    pub residual: f64,
    /// Width, on B0's table.
    pub width: f64,
    /// Depth, on B0's table.
    pub depth: f64,
    /// Side of the images in pixels.
    pub size: usize,
    /// Stem, blocks and head.
    pub layers: usize,
    /// Trainable numbers.
    pub parameters: u64,
    /// Multiply-accumulates of one image, forward.
    pub macs: u64,
    /// Epochs that it was trained.
    pub epochs: usize,
    /// On the held-out images after the last of them, 0..1.
    pub accuracy: f64,
    /// Whether no other network is more accurate at its cost or less.
    pub on_front: bool,
}

impl Trial {
    /// With its accuracies after each epoch; [`rank`] gives it its place.
    pub(super) fn new(subject: Subject, accuracies: &[f64]) -> Self {
        let Subject { name, kind, candidate, .. } = subject;
        let (scaling, cost) = (candidate.arch.scaling, candidate.cost);
        let Bases { alpha, beta, gamma } = candidate.bases;
        Self {
            rank: 0,
            name,
            kind,
            alpha,
            beta,
            gamma,
            residual: candidate.bases.cost_factor() - 2.0,
            width: scaling.width,
            depth: scaling.depth,
            size: candidate.arch.size,
            layers: cost.layers,
            parameters: cost.parameters,
            macs: cost.macs,
            epochs: accuracies.len(),
            accuracy: super::last(accuracies),
            on_front: false,
        }
    }

    /// What it stands for, as bases.
    pub fn bases(&self) -> Bases {
        Bases { alpha: self.alpha, beta: self.beta, gamma: self.gamma }
    }

    /// Whether it leaves nothing to choose the other for.
    fn dominates(&self, other: &Self) -> bool {
        let as_good = self.macs <= other.macs && self.accuracy >= other.accuracy;
        as_good && (self.macs < other.macs || self.accuracy > other.accuracy)
    }
}

/// Sorts trials and marks those on the Pareto front of accuracy against cost.
pub(super) fn rank(trials: &mut [Trial]) {
    trials.sort_by(|a, b| {
        let by_name = || a.name.cmp(&b.name);
        b.epochs.cmp(&a.epochs).then(b.accuracy.total_cmp(&a.accuracy)).then_with(by_name)
    });
    for place in 0..trials.len() {
        let dominated = trials.iter().any(|other| other.dominates(&trials[place]));
        trials[place].rank = place + 1;
        trials[place].on_front = !dominated;
    }
}

/// Writes them as CSV.
///
/// # Errors
/// The disk's.
pub(super) fn write(path: &Path, trials: &[Trial]) -> Result<()> {
    write_atomic(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        for trial in trials {
            csv.serialize(trial).map_err(std::io::Error::other)?;
        }
        csv.flush()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(name: &str, macs: u64, epochs: usize, accuracy: f64) -> Trial {
        Trial {
            rank: 0,
            name: name.to_owned(),
            kind: Kind::Candidate,
            alpha: 1.2,
            beta: 1.1,
            gamma: 1.15,
            residual: -0.08,
            width: 1.0,
            depth: 1.0,
            size: 32,
            layers: 18,
            parameters: 1,
            macs,
            epochs,
            accuracy,
            on_front: false,
        }
    }

    #[test]
    fn the_longest_trained_come_first_and_of_them_the_best() {
        let mut trials =
            [trial("a", 10, 4, 0.9), trial("b", 10, 8, 0.5), trial("c", 10, 8, 0.6), trial("d", 10, 4, 0.95)];
        rank(&mut trials);
        assert_eq!(
            trials.each_ref().map(|t| (t.rank, t.name.as_str())),
            [(1, "c"), (2, "b"), (3, "d"), (4, "a")]
        );
    }

    #[test]
    fn the_front_has_those_that_nothing_cheaper_or_as_cheap_beats() {
        let mut trials = [
            trial("cheap", 5, 8, 0.4),
            trial("good", 10, 8, 0.7),
            trial("as cheap as good", 10, 8, 0.6),
            trial("dear and no better", 20, 8, 0.7),
            trial("best", 30, 8, 0.8),
        ];
        rank(&mut trials);
        let front: Vec<&str> = trials.iter().filter(|t| t.on_front).map(|t| t.name.as_str()).collect();
        assert_eq!(front, ["best", "good", "cheap"]);
    }

    #[test]
    fn equals_are_both_on_the_front() {
        let mut trials = [trial("a", 5, 8, 0.4), trial("b", 5, 8, 0.4)];
        rank(&mut trials);
        assert!(trials.iter().all(|t| t.on_front));
    }

    #[test]
    fn a_table_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("search.csv");
        let trials = [trial("a", 5, 8, 0.25), trial("b", 6, 4, 0.5)];
        write(&path, &trials).unwrap();
        let read: Vec<Trial> = csv::Reader::from_path(&path)
            .unwrap()
            .deserialize()
            .collect::<std::result::Result<_, _>>()
            .unwrap();
        assert_eq!(read, trials);
    }
}
