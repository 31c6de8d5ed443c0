//! `search.svg`: the accuracy of the networks against their cost.

use effmix_report::{Point, Series, accuracy_against_cost};

use super::networks::Kind;
use super::table::Trial;
use crate::Result;

/// Series of the picture, in the order of its legend: what they are called, and whether a line joins them.
const SERIES: [(Kind, &str, bool); 6] = [
    (Kind::Candidate, "candidates", false),
    (Kind::Baseline, "baseline", false),
    (Kind::Depth, "depth alone", true),
    (Kind::Width, "width alone", true),
    (Kind::Resolution, "resolution alone", true),
    (Kind::Compound, "all three", true),
];

/// The picture as SVG.
pub(super) fn picture(trials: &[Trial]) -> Result<String> {
    Ok(accuracy_against_cost(&series(trials))?)
}

fn series(trials: &[Trial]) -> Vec<Series> {
    let longest = trials.iter().map(|trial| trial.epochs).max().unwrap_or_default();
    let best = trials.iter().find(|trial| trial.kind == Kind::Candidate);
    let has_baseline = trials.iter().any(|trial| trial.kind == Kind::Baseline);
    let of = |(kind, name, joined): (Kind, &str, bool)| {
        // Lines begin at the baseline, and that of all three leads through the candidate whose bases they are.
        let wanted = |trial: &&Trial| {
            let leads_here = kind == Kind::Compound && best.is_some_and(|best| std::ptr::eq(best, *trial));
            trial.kind == kind || (joined && trial.kind == Kind::Baseline) || leads_here
        };
        let mut trials: Vec<&Trial> = trials.iter().filter(wanted).collect();
        trials.sort_by_key(|trial| trial.macs);
        // At twice the cost, all three together are that candidate.
        let is_there = match kind {
            Kind::Compound => has_baseline,
            _ => trials.iter().any(|trial| trial.kind == kind),
        };
        let point = |trial: &Trial| Point {
            cost: trial.macs as f64,
            accuracy: trial.accuracy,
            complete: trial.epochs == longest,
            on_front: trial.on_front,
        };
        let points = trials.into_iter().map(point).collect();
        is_there.then(|| Series { name: name.to_owned(), joined, points })
    };
    SERIES.into_iter().filter_map(of).collect()
}
