//! `--budget 30m`: the largest network and images whose training fits into a given time.
//!
//! What a user set is never changed. Of the rest, candidates are tried from the smallest on, each measured for a moment,
//! until one does not fit with the epochs of its recipe; the one before it is taken. Where not even the smallest fits so,
//! it gets fewer epochs.

use std::time::Instant;

use effnet_model::Arch;

use super::estimate::Estimate;
use super::measure::{EpochsDone, Here, estimate};
use crate::data::Data;
use crate::settings::{Budget, DatasetStats, ResolvedSettings, SMALL_SIDE, Settings};
use crate::text::human_duration;
use crate::{Error, Result};

/// Share of the budget that an estimate may fill: it is not exact, and must not be late.
const FILLED: f64 = 0.9;

/// The fewest epochs, as a share of the recipe's: below a quarter even the warm-up is cut short.
const FEWEST: f64 = 0.25;

/// Networks from scratch on small images: width and depth, as multiples of the architecture's own.
const SMALL: [(f64, f64); 4] = [(0.2, 0.2), (0.35, 0.2), (0.5, 0.5), (1.0, 1.0)];

/// Networks from scratch on photographs, with the side of the images in pixels; the recipe's own is the fourth.
const PHOTOGRAPHS: [(f64, f64, usize); 8] = [
    (0.2, 0.2, 32),
    (0.35, 0.2, 64),
    (0.5, 0.5, 64),
    (0.5, 0.5, 96),
    (0.5, 0.5, 128),
    (1.0, 1.0, 128),
    (1.0, 1.0, 160),
    (1.0, 1.0, 224),
];

/// Sides of images for a pretrained network, up to the side that it was trained on.
const PRETRAINED: [usize; 7] = [32, 64, 96, 112, 128, 160, 224];

/// What a budget led to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    /// With what was chosen written in, as if the user had given it.
    pub(crate) settings: Settings,
    /// What was chosen and why, a sentence.
    pub(crate) why: String,
}

/// Chooses what the user left open, so that the run, which `began` a moment ago, takes no longer than `budget`.
///
/// # Errors
/// [`Error::Setting`] where the smallest doesn't fit; else as [`estimate`] and [`Settings::resolve`].
pub(crate) fn choose(
    settings: &Settings,
    budget: Budget,
    began: Instant,
    data: &Data,
    here: &Here<'_>,
) -> Result<Choice> {
    let allowed = || FILLED * budget.seconds() - began.elapsed().as_secs_f64();
    let mut chosen: Option<(ResolvedSettings, f64)> = None;
    let mut too_long: Option<(ResolvedSettings, Estimate)> = None;
    for candidate in candidates(settings, &data.stats)? {
        let plan = candidate.resolve(&data.stats)?;
        // There is nothing to measure with; the run reports it.
        let Some(needed) = estimate(&plan, data, &[], EpochsDone::default(), here)? else {
            chosen = Some((plan, 0.0));
            break;
        };
        if needed.seconds > allowed() {
            too_long = Some((plan, needed));
            break;
        }
        chosen = Some((plan, needed.seconds));
    }
    let (plan, seconds) = match (chosen, &too_long) {
        (Some(chosen), _) => chosen,
        (None, Some((smallest, needed))) => {
            fewer_epochs(settings, budget, allowed(), (smallest, needed), data, here)?
        }
        // There is a candidate always.
        (None, None) => (settings.clone().resolve(&data.stats)?, 0.0),
    };
    let next = match &too_long {
        Some((next, needed)) if *next != plan => {
            format!("; {} would take about {}", named(next), human_duration(needed.seconds))
        }
        _ => String::new(),
    };
    let why = format!("budget {budget}: {}, about {}{next}", named(&plan), human_duration(seconds));
    Ok(Choice { settings: Settings { budget: None, ..plan.settings }, why })
}

/// The smallest candidate, which takes too long with all of its epochs, with as many as fit.
fn fewer_epochs(
    said: &Settings,
    budget: Budget,
    allowed: f64,
    (smallest, needed): (&ResolvedSettings, &Estimate),
    data: &Data,
    here: &Here<'_>,
) -> Result<(ResolvedSettings, f64)> {
    let (all, warmup) = (smallest.hyperparameters.epochs, smallest.hyperparameters.warmup);
    let with = |epochs: usize| -> Result<ResolvedSettings> {
        // As large a share of the run for warm-up, and one epoch at least for the rest.
        let share = (warmup * epochs).div_ceil(all).min(epochs.saturating_sub(1));
        let warmup = said.warmup.unwrap_or(share);
        let shorter = Settings { epochs: Some(epochs), warmup: Some(warmup), ..smallest.settings.clone() };
        shorter.resolve(&data.stats)
    };
    let too_short = |plan: &ResolvedSettings, seconds: f64| {
        let problem = format!(
            "{budget} is too short: even {} would take about {}; allow more, or train on fewer images (--per-class)",
            named(plan),
            human_duration(seconds)
        );
        Err(Error::setting("--budget", problem))
    };
    let fewest = ((FEWEST * all as f64).ceil() as usize).max(1);
    if said.epochs.is_some() || fewest == all {
        return too_short(smallest, needed.seconds);
    }
    let shortest = with(fewest)?;
    let Some(least) = estimate(&shortest, data, &[], EpochsDone::default(), here)? else {
        return Ok((shortest, 0.0));
    };
    if least.seconds > allowed {
        return too_short(&shortest, least.seconds);
    }
    // The time of decoding stays, that of the epochs goes with their number.
    let an_epoch = (needed.seconds - least.seconds).max(0.0) / (all - fewest) as f64;
    let more = ((allowed - least.seconds) / an_epoch.max(1e-9)) as usize;
    let epochs = (fewest + more).min(all);
    Ok((with(epochs)?, least.seconds + an_epoch * (epochs - fewest) as f64))
}

/// What can be chosen, from the smallest on: the settings with all of it written in.
fn candidates(said: &Settings, stats: &DatasetStats) -> Result<Vec<Settings>> {
    let recipe = said.clone().resolve(stats)?;
    let side = |side: usize| said.size.unwrap_or(side);
    let mut found: Vec<Settings> = Vec::new();
    let mut add = |settings: Settings| {
        if !found.contains(&settings) {
            found.push(settings);
        }
    };
    if said.features.is_some() {
        // No image and no network: only the number of epochs is to be chosen.
        return Ok(vec![said.clone()]);
    }
    if said.pretrained().is_some() {
        // Small images are made as large as the recipe does, others not larger than they are.
        let own = Arch::by_name(&recipe.arch.name)?.size;
        let largest = recipe.arch.size.max(own.min(stats.side));
        for size in PRETRAINED.into_iter().filter(|size| *size <= largest) {
            add(Settings { size: Some(side(size)), ..said.clone() });
        }
        if found.is_empty() {
            found.push(said.clone());
        }
        return Ok(found);
    }
    let scaled = |width, depth, size| Settings {
        width: said.width.or(Some(width)),
        depth: said.depth.or(Some(depth)),
        size: Some(side(size)),
        ..said.clone()
    };
    if stats.demo {
        // The demo shows its point with its own network.
        add(said.clone());
    } else if stats.side <= SMALL_SIDE {
        SMALL.into_iter().for_each(|(width, depth)| add(scaled(width, depth, recipe.arch.size)));
    } else {
        let fitting =
            PHOTOGRAPHS.into_iter().filter(|(_, _, size)| *size <= stats.side.max(PHOTOGRAPHS[0].2));
        fitting.for_each(|(width, depth, size)| add(scaled(width, depth, size)));
    }
    Ok(found)
}

/// A plan in words: its network, its images and its epochs.
fn named(plan: &ResolvedSettings) -> String {
    format!("{} for {} epochs", network(plan), plan.hyperparameters.epochs)
}

fn network(plan: &ResolvedSettings) -> String {
    if let Some(length) = plan.own_features {
        return format!("a head on {length} features");
    }
    let scaled = match (plan.settings.width, plan.settings.depth) {
        (Some(width), Some(depth)) if (width, depth) != (1.0, 1.0) => {
            format!(" (width {width}, depth {depth})")
        }
        _ => String::new(),
    };
    let names: Vec<&str> = plan.archs().iter().map(|arch| arch.name.as_str()).collect();
    format!("{}{scaled} at {} px", names.join(" + "), plan.arch.size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Shape;

    const SHAPE: Shape = Shape { looked_at: 25, long: 0, typical: (340, 256) };
    const PHOTOS: DatasetStats =
        DatasetStats { images: 1000, classes: 6, side: 256, shape: SHAPE, demo: false };

    #[test]
    fn candidates_grow_and_hold_what_was_said() {
        let said =
            Settings { data: Some("d".into()), size: Some(96), epochs: Some(7), ..Settings::default() };
        let found = candidates(&said, &PHOTOS).unwrap();
        assert!(found.len() > 2);
        assert!(found.iter().all(|c| c.size == Some(96) && c.epochs == Some(7)));
        let cost = |c: &Settings| c.width.unwrap().powi(2) * c.depth.unwrap();
        assert!(
            found.windows(2).all(|pair| cost(&pair[0]) < cost(&pair[1])),
            "the size is fixed, so no two are alike"
        );

        let said = Settings { width: Some(0.3), depth: Some(0.3), ..said };
        assert_eq!(candidates(&said, &PHOTOS).unwrap(), [said], "nothing is left to choose");
    }

    #[test]
    fn images_are_never_made_larger() {
        let data = Settings { data: Some("d".into()), ..Settings::default() };
        let sizes = |side| -> Vec<usize> {
            let stats = DatasetStats { side, ..PHOTOS };
            candidates(&data, &stats).unwrap().iter().map(|c| c.size.unwrap()).collect()
        };
        assert!(sizes(32).iter().all(|size| *size == 32));
        assert_eq!(sizes(100).iter().max(), Some(&96));
        assert_eq!(sizes(4000).iter().max(), Some(&224));
    }
}
