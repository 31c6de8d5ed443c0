//! A mixture for each given class: what a high loss is, is another thing in a hard class than in an easy one.

use crate::division::{Division, MODES_APART, Whole, ashman_d, divide_normalised};
use crate::error::{Result, check_labels, check_length};
use crate::mixture::{MixtureSettings, fit};

/// Samples that a class needs for a mixture of its own: with a wrong label in five, ten of them are its second component.
const FEWEST: usize = 50;

/// [`crate::division::co_divide`], but each given class's samples by a mixture of their own losses (class-specific noise modelling:
/// Huang et al. 2022, "Uncertainty-aware learning against label noise on imbalanced datasets"). One mixture for all takes the losses of a
/// class that is rare or hard for those of wrong labels, and drops the whole class.
///
/// Losses are normalised over the whole set, so `reg_covar` means the same in each class. A class of fewer than 50 samples, and
/// one whose losses are one heap (no mixture, or modes that are not apart: Ashman's D up to 2), goes by the mixture of all: half of
/// a class without wrong labels would be dropped else. That mixture is the division's [`Division::mixture`]; where there is none, the
/// division is degenerate as the other one is. The order of samples is of no influence on a class's own mixture.
///
/// # Shapes
/// `losses`: N; `labels`: the N given labels, below `classes`.
///
/// # Errors
/// [`crate::Error::Length`] where the lengths differ; [`crate::Error::Label`] for an id that is no class.
pub fn co_divide_by_class(
    losses: &[f32],
    labels: &[usize],
    classes: usize,
    settings: &MixtureSettings,
    threshold: f64,
) -> Result<Division> {
    class_by_class(Whole::of(losses, settings, threshold), labels, classes, settings, threshold)
}

/// [`co_divide_by_class`] for losses that are normalised already, as [`divide_normalised`] takes them.
///
/// # Errors
/// As there.
pub fn divide_normalised_by_class(
    losses: &[f64],
    labels: &[usize],
    classes: usize,
    settings: &MixtureSettings,
    threshold: f64,
) -> Result<Division> {
    let whole = Whole { losses: losses.to_vec(), division: divide_normalised(losses, settings, threshold) };
    class_by_class(whole, labels, classes, settings, threshold)
}

fn class_by_class(
    Whole { losses, division }: Whole,
    labels: &[usize],
    classes: usize,
    settings: &MixtureSettings,
    threshold: f64,
) -> Result<Division> {
    check_length("labels", division.clean_probability.len(), labels.len())?;
    check_labels(labels, classes)?;
    if division.mixture.is_none() {
        return Ok(division);
    }
    let mut members = vec![Vec::new(); classes];
    labels.iter().enumerate().for_each(|(sample, &class)| members[class].push(sample));
    let mut clean = division.clean_probability;
    for samples in members.into_iter().filter(|samples| samples.len() >= FEWEST) {
        let mut of_class: Vec<f64> = samples.iter().map(|&sample| losses[sample]).collect();
        // A fit draws its start by place.
        of_class.sort_unstable_by(f64::total_cmp);
        let Ok(mixture) = fit(&of_class, settings) else { continue };
        if ashman_d(&mixture) > MODES_APART {
            samples.iter().for_each(|&i| clean[i] = mixture.clean_probability(losses[i]));
        }
    }
    Ok(Division { mixture: division.mixture, ..Division::by_probability(clean, threshold) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::division::co_divide;
    use crate::mixture::Degenerate;

    /// Sums of uniform numbers: a bell around `centre`, 0.6 wide.
    fn bell(i: usize, centre: f32) -> f32 {
        let uniform = |salt: usize| ((i * 7919 + salt * 104_729) % 1009) as f32 / 1009.0 - 0.5;
        centre + 0.3 * (uniform(1) + uniform(2) + uniform(3))
    }

    /// Losses, given labels, and whether these are wrong (one in five): two easy classes of 1,000, a rare and hard one of 100 whose
    /// right labels lose as much as the others' wrong ones, and one of 20.
    fn imbalanced() -> (Vec<f32>, Vec<usize>, Vec<bool>) {
        let label = |i: usize| match i % 106 {
            0..50 => 0,
            50..100 => 1,
            100..105 => 2,
            _ => 3,
        };
        let labels: Vec<usize> = (0..2120).map(label).collect();
        let mut seen = [0usize; 4];
        let wrong: Vec<bool> = labels
            .iter()
            .map(|&y| {
                seen[y] += 1;
                seen[y].is_multiple_of(5)
            })
            .collect();
        let loss = |i: usize| match (labels[i], wrong[i]) {
            (2, false) => bell(i, 2.6),
            (2, true) => bell(i, 4.4),
            (_, false) => bell(i, 0.6),
            (_, true) => bell(i, 2.8),
        };
        ((0..2120).map(loss).collect(), labels, wrong)
    }

    fn settings() -> MixtureSettings {
        MixtureSettings::default()
    }

    #[test]
    fn a_hard_class_keeps_its_right_labels() {
        let (losses, labels, wrong) = imbalanced();
        let by_one = co_divide(&losses, &settings(), 0.5);
        let by_class = co_divide_by_class(&losses, &labels, 4, &settings(), 0.5).unwrap();
        let kept = |division: &Division, class: usize| {
            division.labeled.iter().filter(|&&i| labels[i] == class && !wrong[i]).count()
        };
        assert_eq!([kept(&by_one, 0), kept(&by_one, 1), kept(&by_one, 2)], [800, 800, 0]);
        assert_eq!([0, 1, 2, 3].map(|class| kept(&by_class, class)), [800, 800, 80, 16]);
        assert!(by_class.labeled.iter().all(|&i| !wrong[i]));
        assert_eq!(by_class.mixture, by_one.mixture);
        // Too few for a mixture of their own.
        let of_last = (0..labels.len()).filter(|&i| labels[i] == 3);
        assert!(of_last.clone().count() == 20);
        assert!(of_last.into_iter().all(|i| by_class.clean_probability[i] == by_one.clean_probability[i]));
    }

    #[test]
    fn the_order_of_samples_does_not_matter() {
        let (losses, labels, _) = imbalanced();
        let place = |i: usize| i * 7919 % losses.len();
        let moved: Vec<f32> = (0..losses.len()).map(|i| losses[place(i)]).collect();
        let moved_labels: Vec<usize> = (0..losses.len()).map(|i| labels[place(i)]).collect();
        let before = co_divide_by_class(&losses, &labels, 4, &settings(), 0.5).unwrap();
        let after = co_divide_by_class(&moved, &moved_labels, 4, &settings(), 0.5).unwrap();
        for (i, label) in moved_labels.iter().enumerate().filter(|(_, label)| **label < 3) {
            assert_eq!(after.clean_probability[i], before.clean_probability[place(i)], "class {label}");
        }
        let mut labeled: Vec<usize> = after.labeled.into_iter().map(place).collect();
        labeled.sort_unstable();
        assert_eq!(labeled, before.labeled);
    }

    #[test]
    fn a_class_without_wrong_labels_goes_by_the_mixture_of_all() {
        let (losses, labels, wrong) = imbalanced();
        let keep: Vec<usize> = (0..losses.len()).filter(|&i| labels[i] != 0 || !wrong[i]).collect();
        let losses: Vec<f32> = keep.iter().map(|&i| losses[i]).collect();
        let labels: Vec<usize> = keep.iter().map(|&i| labels[i]).collect();
        let division = co_divide_by_class(&losses, &labels, 4, &settings(), 0.5).unwrap();
        assert_eq!(division.labeled.iter().filter(|&&i| labels[i] == 0).count(), 800);
    }

    #[test]
    fn averages_are_divided_alike() {
        let (losses, labels, _) = imbalanced();
        let normalised = crate::division::normalise(&losses).unwrap();
        let division = divide_normalised_by_class(&normalised, &labels, 4, &settings(), 0.5).unwrap();
        assert_eq!(division, co_divide_by_class(&losses, &labels, 4, &settings(), 0.5).unwrap());
    }

    #[test]
    fn what_one_mixture_cannot_divide_is_degenerate_here_too() {
        let degenerate = |losses: &[f32], labels: &[usize]| {
            let division = co_divide_by_class(losses, labels, 2, &settings(), 0.5).unwrap();
            assert_eq!(division.labeled.len(), losses.len());
            division.degenerate
        };
        assert_eq!(degenerate(&[], &[]), Some(Degenerate::TooFew { count: 0, needed: 6 }));
        assert_eq!(degenerate(&[1.0; 60], &[1; 60]), Some(Degenerate::AllEqual { loss: 1.0 }));
        assert!(matches!(degenerate(&[f32::NAN; 60], &[0; 60]), Some(Degenerate::NotFinite { .. })));
        assert!(co_divide_by_class(&[1.0; 60], &[0; 59], 2, &settings(), 0.5).is_err());
        assert!(co_divide_by_class(&[1.0; 60], &[2; 60], 2, &settings(), 0.5).is_err());
    }
}
