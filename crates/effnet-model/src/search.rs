//! The first step of compound scaling, before anything is trained: which networks the search has to choose from.
//!
//! The paper fixes phi = 1 and looks for the bases alpha, beta, gamma of the best network under alpha beta^2 gamma^2 = 2
//! (Tan & Le, arXiv 1905.11946, section 3.3). In a small network that constraint is not yet equal cost: layers are rounded
//! up and channels go in eights, so that a depth or a width may raise nothing at all. What is held equal here is therefore
//! the counted cost ([`Arch::cost`]): for each alpha and beta of a grid, gamma is what brings the multiply-accumulates
//! nearest to twice the baseline's, and the constraint's residual is shown beside it.

use serde::{Deserialize, Serialize};

use crate::arch::Arch;
use crate::cost::Cost;
use crate::error::Result;
use crate::scaling::Bases;

/// By how much a network at phi = 1 costs more than its baseline.
const DOUBLE: f64 = 2.0;

/// Steps of the grid of alpha and of beta. Finer ones find the same networks again.
const ALPHA_STEP: f64 = 0.05;
const BETA_STEP: f64 = 0.025;

/// Steps in which one coefficient is raised alone.
const FINE_STEP: f64 = 0.01;

/// A network of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// What the baseline's depth, width and resolution are multiplied by.
    pub bases: Bases,
    /// The baseline, so scaled.
    pub arch: Arch,
    /// Its cost.
    pub cost: Cost,
}

impl Candidate {
    fn new(baseline: &Arch, bases: Bases, size: usize, classes: usize) -> Result<Self> {
        let arch = baseline.clone().with_scaling(bases.beta, bases.alpha).with_size(size);
        let gamma = size as f64 / baseline.size as f64;
        Ok(Self { bases: Bases { gamma, ..bases }, cost: arch.cost(classes)?, arch })
    }

    /// How far from `macs` its cost is, as a factor's logarithm.
    fn off(&self, macs: f64) -> f64 {
        (self.cost.macs as f64 / macs).ln().abs()
    }

    /// How far the constraint is from being met.
    fn residual(&self) -> f64 {
        (self.bases.cost_factor() - DOUBLE).abs()
    }

    /// Whether both are the same network on images of the same size.
    fn is_same(&self, other: &Self) -> Result<bool> {
        Ok(self.arch.size == other.arch.size && self.arch.plan()? == other.arch.plan()?)
    }
}

/// All different networks at phi = 1 of a baseline, by alpha, then beta: those whose multiply-accumulates can be brought
/// within `tolerance` (a share) of twice the baseline's. Where several bases are the same network, those nearest to
/// the constraint stand for it.
///
/// # Errors
/// [`crate::Error::InvalidArch`] as [`Arch::check`].
pub fn candidates(baseline: &Arch, classes: usize, tolerance: f64) -> Result<Vec<Candidate>> {
    let target = DOUBLE * baseline.cost(classes)?.macs as f64;
    let mut found: Vec<Candidate> = Vec::new();
    for alpha in steps(ALPHA_STEP).take_while(|alpha| *alpha <= DOUBLE) {
        for beta in steps(BETA_STEP).take_while(|beta| alpha * beta * beta <= DOUBLE) {
            let bases = Bases { alpha, beta, gamma: 1.0 };
            let candidate = at_cost(baseline, bases, classes, target)?;
            if (candidate.cost.macs as f64 / target - 1.0).abs() > tolerance {
                continue;
            }
            let mut same = None;
            for (place, other) in found.iter().enumerate() {
                if other.is_same(&candidate)? {
                    same = Some(place);
                }
            }
            match same {
                None => found.push(candidate),
                Some(place) if candidate.residual() < found[place].residual() => found[place] = candidate,
                Some(_) => {}
            }
        }
    }
    Ok(found)
}

/// At most `count` of them, as far from one another as can be (in the logarithms of the three bases): first the one nearest
/// to the paper's bases, then again and again the one that is farthest from all chosen. In their old order.
pub fn spread(candidates: Vec<Candidate>, count: usize) -> Vec<Candidate> {
    let distance = |a: &Bases, b: &Bases| {
        let squares =
            [(a.alpha, b.alpha), (a.beta, b.beta), (a.gamma, b.gamma)].map(|(a, b)| (a / b).ln().powi(2));
        squares.iter().sum::<f64>()
    };
    let mut nearest: Vec<f64> = candidates.iter().map(|c| -distance(&c.bases, &Bases::PAPER)).collect();
    let mut chosen = vec![false; candidates.len()];
    for round in 0..count.min(candidates.len()) {
        let open = (0..candidates.len()).filter(|place| !chosen[*place]);
        let Some(next) = open.max_by(|a, b| nearest[*a].total_cmp(&nearest[*b])) else { break };
        chosen[next] = true;
        for (distance_to_chosen, candidate) in nearest.iter_mut().zip(&candidates) {
            let to_next = distance(&candidate.bases, &candidates[next].bases);
            *distance_to_chosen = if round == 0 { to_next } else { distance_to_chosen.min(to_next) };
        }
    }
    candidates.into_iter().zip(chosen).filter_map(|(candidate, chosen)| chosen.then_some(candidate)).collect()
}

/// The dimension that is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// The number of layers alone.
    Depth,
    /// The number of channels alone.
    Width,
    /// The side of the images alone.
    Resolution,
}

impl Dimension {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Depth, Self::Width, Self::Resolution];
}

/// The baseline with one dimension raised alone, until its multiply-accumulates are as near to `factor` times the
/// baseline's as they can be.
///
/// # Errors
/// [`crate::Error::InvalidArch`] as [`Arch::check`], where it would have to be raised too far.
pub fn raised(baseline: &Arch, classes: usize, dimension: Dimension, factor: f64) -> Result<Candidate> {
    let target = factor * baseline.cost(classes)?.macs as f64;
    let one = Bases { alpha: 1.0, beta: 1.0, gamma: 1.0 };
    let with = |coefficient| match dimension {
        Dimension::Depth => Bases { alpha: coefficient, ..one },
        _ => Bases { beta: coefficient, ..one },
    };
    match dimension {
        Dimension::Resolution => at_cost(baseline, one, classes, target),
        _ => nearest(target, |step| {
            let bases = with(1.0 + step as f64 * FINE_STEP);
            Candidate::new(baseline, bases, baseline.size, classes)
        }),
    }
}

/// The baseline with depth and width multiplied by alpha and beta, on images of the size at which its
/// multiply-accumulates are nearest to `macs`: none smaller than the baseline's.
///
/// # Errors
/// [`crate::Error::InvalidArch`] as [`Arch::check`].
pub fn at_cost(baseline: &Arch, bases: Bases, classes: usize, macs: f64) -> Result<Candidate> {
    nearest(macs, |step| Candidate::new(baseline, bases, baseline.size + step, classes))
}

/// The candidate whose cost is nearest to `macs`. The cost rises from step to step.
fn nearest(macs: f64, at: impl Fn(usize) -> Result<Candidate>) -> Result<Candidate> {
    let mut best = at(0)?;
    let mut highest = best.cost.macs;
    for step in 1.. {
        if highest as f64 >= macs {
            break;
        }
        let next = at(step)?;
        highest = next.cost.macs;
        if next.off(macs) < best.off(macs) {
            best = next;
        }
    }
    Ok(best)
}

/// 1, and on in steps.
fn steps(step: f64) -> impl Iterator<Item = f64> {
    (0..).map(move |k: u32| 1.0 + f64::from(k) * step)
}
