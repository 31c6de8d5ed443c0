//! Which networks are trained.

use effnet_model::{Arch, Bases, Candidate, Dimension, Scaling, at_cost, candidates, raised, spread};
use serde::{Deserialize, Serialize};

use super::settings::Search;
use crate::data::Data;
use crate::settings::{SMALLEST_SIZE, Settings, defaults_for};
use crate::{Error, Result};

/// What a network of a search is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One of those that the bases are chosen from.
    Candidate,
    /// What is scaled.
    Baseline,
    /// The baseline with more layers alone.
    Depth,
    /// The baseline with more channels alone.
    Width,
    /// The baseline on larger images alone.
    Resolution,
    /// The baseline with all three raised by the bases found.
    Compound,
}

impl From<Dimension> for Kind {
    fn from(dimension: Dimension) -> Self {
        match dimension {
            Dimension::Depth => Self::Depth,
            Dimension::Width => Self::Width,
            Dimension::Resolution => Self::Resolution,
        }
    }
}

/// A network to train.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    /// What it is called, and its run folder.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) candidate: Candidate,
    /// How it is trained, and as which network.
    pub(super) settings: Settings,
}

/// The baseline, and what is made of it.
pub(super) struct Networks {
    baseline: Arch,
    /// Coefficients of the member that the baseline is made from.
    own: Scaling,
    classes: usize,
    doublings: u32,
    train: Settings,
    pub(super) candidates: Vec<Subject>,
}

impl Networks {
    /// By the settings and the size of the data's images.
    pub(super) fn new(search: &Search, data: &Data) -> Result<Self> {
        let Search { phi, train, .. } = search;
        let defaults = defaults_for(&data.stats, train);
        let Scaling { width, depth, resolution } = Scaling::from_phi(*phi, Bases::PAPER);
        let name = train.first_arch().unwrap_or(defaults.arch);
        let member = Arch::by_name(name)?;
        let own = member.scaling;
        let nominal = defaults.size.unwrap_or(member.size) as f64;
        let size = train.size.unwrap_or((nominal * resolution).round().max(SMALLEST_SIZE as f64) as usize);
        let baseline = member
            .with_scaling(width, depth)
            .with_size(size)
            .with_stem_stride(train.stem_stride.unwrap_or(defaults.stem_stride));
        let mut networks = Self {
            classes: data.folder.classes.len(),
            doublings: search.alone,
            train: Settings { arch: Some(vec![name.to_owned()]), ..train.clone() },
            candidates: Vec::new(),
            own,
            baseline,
        };
        let all = candidates(&networks.baseline, networks.classes, search.tolerance)?;
        let chosen = spread(all, search.candidates);
        if chosen.len() < 2 {
            let problem = format!(
                "of {} leaves {} network of equal cost to choose from; allow more, or choose a larger --phi",
                search.tolerance,
                chosen.len()
            );
            return Err(Error::setting("--tolerance", problem));
        }
        let named = |candidate: Candidate| {
            let Bases { alpha, beta, gamma } = candidate.bases;
            networks.subject(format!("a{alpha:.2}-b{beta:.3}-g{gamma:.3}"), Kind::Candidate, candidate)
        };
        networks.candidates = chosen.into_iter().map(named).collect();
        Ok(networks)
    }

    /// Checks the settings of every candidate as its run will.
    pub(super) fn check(&self, data: &Data) -> Result<()> {
        self.candidates.iter().try_for_each(|subject| subject.settings.clone().resolve(&data.stats).map(drop))
    }

    /// The baseline; each dimension raised alone to 2, 4, ... times its cost; and all three, by the bases found, to as much:
    /// from phi = 2 on, since at 1 that is the candidate they were found by.
    pub(super) fn beside(&self, found: Option<Bases>) -> Result<Vec<Subject>> {
        let one = Bases { alpha: 1.0, beta: 1.0, gamma: 1.0 };
        let cost = self.baseline.cost(self.classes)?.macs as f64;
        let baseline = at_cost(&self.baseline, one, self.classes, cost)?;
        let mut subjects = vec![self.subject("baseline".to_owned(), Kind::Baseline, baseline)];
        for doubling in 1..=self.doublings {
            let factor = f64::from(1 << doubling);
            for dimension in Dimension::ALL {
                let kind = Kind::from(dimension);
                let candidate = raised(&self.baseline, self.classes, dimension, factor)?;
                let name = format!("{dimension:?}-{factor}x").to_lowercase();
                subjects.push(self.subject(name, kind, candidate));
            }
            if let (2.., Some(Bases { alpha, beta, .. })) = (doubling, found) {
                // phi = doubling; the size settles the cost, as it did for the candidates.
                let phi = f64::from(doubling);
                let bases = Bases { alpha: alpha.powf(phi), beta: beta.powf(phi), gamma: 1.0 };
                let candidate = at_cost(&self.baseline, bases, self.classes, factor * cost)?;
                subjects.push(self.subject(format!("compound-{factor}x"), Kind::Compound, candidate));
            }
        }
        Ok(subjects)
    }

    /// Multiply-accumulates times epochs of all that is to be trained, the networks beside the candidates by what they are
    /// meant to cost.
    pub(super) fn work(&self, rungs: &[usize]) -> f64 {
        let macs = self.candidates.iter().map(|subject| subject.candidate.cost.macs as f64);
        let each = macs.sum::<f64>() / self.candidates.len().max(1) as f64;
        let (mut going, mut done, mut work) = (self.candidates.len(), 0, 0.0);
        for &rung in rungs {
            work += each * going as f64 * (rung - done) as f64;
            (going, done) = (going.div_ceil(2), rung);
        }
        let beside = (1..=self.doublings).map(|k| 4.0 * f64::from(1 << (k - 1))).sum::<f64>() - 0.5;
        if self.doublings > 0 { work + each * beside * done as f64 } else { work }
    }

    fn subject(&self, name: String, kind: Kind, candidate: Candidate) -> Subject {
        let settings = Settings {
            // These multiply the member's own.
            width: Some(candidate.arch.scaling.width / self.own.width),
            depth: Some(candidate.arch.scaling.depth / self.own.depth),
            size: Some(candidate.arch.size),
            stem_stride: Some(candidate.arch.stem_stride),
            // The baseline's, since networks are compared: a member's own grow with width and depth.
            dropout: self.train.dropout.or(Some(self.baseline.dropout)),
            drop_path: self.train.drop_path.or(Some(self.baseline.drop_path)),
            ..self.train.clone()
        };
        Subject { name, kind, candidate, settings }
    }
}
