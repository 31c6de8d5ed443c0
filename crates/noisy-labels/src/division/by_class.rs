//! A mixture for each given class: a loss that is high in an easy class may be usual in a hard one.

use super::partition::Division;
use super::separation::modes_are_apart;
use super::whole::Whole;
use crate::mixture::{MixtureSettings, fit};

/// The number of samples that a class needs for a mixture of its own: with one wrong label in five, ten of them are its second
/// component.
const FEWEST: usize = 50;

/// The division of each given class's samples by a mixture of their own losses (class-specific noise modelling: Huang et al. 2022,
/// "Uncertainty-aware learning against label noise on imbalanced datasets"). One mixture of all losses takes those of a rare or hard
/// class for those of wrong labels, and drops the whole class.
///
/// Losses are normalised over the whole set, so `reg_covar` means the same in each class. Two kinds of classes go by the mixture of
/// all samples, which is the division's [`Division::mixture`]: a class of fewer than 50 samples, and a class whose losses have one mode
/// (there is no mixture, or its modes are not apart), since else half of a class without wrong labels would be dropped. Where there is
/// no mixture of all samples, the division stays degenerate. The order of samples has no influence on a class's own mixture.
///
/// `labels`: the N given labels, below `classes`.
pub(super) fn by_class(
    whole: Whole,
    labels: &[usize],
    classes: usize,
    settings: &MixtureSettings,
    threshold: f64,
) -> Division {
    let Whole { division, losses } = whole;
    let (Some(_), Some(losses)) = (&division.mixture, losses) else { return division };
    let mut members = vec![Vec::new(); classes];
    labels.iter().enumerate().for_each(|(sample, &class)| members[class].push(sample));
    let mut clean = division.clean_probability;
    for samples in members.into_iter().filter(|samples| samples.len() >= FEWEST) {
        let of_class = losses.of_samples(&samples);
        // Sorted, because a fit draws its start by place.
        let Ok(mixture) = fit(&of_class.clone().sorted(), settings) else { continue };
        if modes_are_apart(&mixture) {
            let each = samples.iter().zip(of_class.as_slice());
            each.for_each(|(&sample, &loss)| clean[sample] = mixture.clean_probability(loss));
        }
    }
    Division { mixture: division.mixture, ..Division::by_probability(clean, threshold) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixture::Degenerate;

    /// A sum of uniform numbers: bell-shaped around `centre`, 0.6 wide.
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

    fn by_one(losses: &[f32]) -> Whole {
        Whole::of_epoch(losses, &MixtureSettings::default(), 0.5)
    }

    fn divide(losses: &[f32], labels: &[usize]) -> Division {
        by_class(by_one(losses), labels, 4, &MixtureSettings::default(), 0.5)
    }

    #[test]
    fn a_hard_class_keeps_its_right_labels() {
        let (losses, labels, wrong) = imbalanced();
        let (by_one, by_class) = (by_one(&losses).division, divide(&losses, &labels));
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
        let (before, after) = (divide(&losses, &labels), divide(&moved, &moved_labels));
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
        let division = divide(&losses, &labels);
        assert_eq!(division.labeled.iter().filter(|&&i| labels[i] == 0).count(), 800);
    }

    #[test]
    fn a_class_of_fifty_samples_has_a_mixture_of_its_own_and_one_of_49_has_not() {
        // Class 2 is hard: its right labels lose as much as the others' wrong ones.
        for (size, own) in [(50, true), (49, false)] {
            let (losses, labels, _) = imbalanced();
            let mut of_class = 0;
            let keep: Vec<usize> = (0..losses.len())
                .filter(|&i| {
                    of_class += usize::from(labels[i] == 2);
                    labels[i] != 2 || of_class <= size
                })
                .collect();
            let losses: Vec<f32> = keep.iter().map(|&i| losses[i]).collect();
            let labels: Vec<usize> = keep.iter().map(|&i| labels[i]).collect();
            let kept = divide(&losses, &labels).labeled.iter().filter(|&&i| labels[i] == 2).count();
            assert_eq!(kept > 0, own, "{size} samples: {kept} are labeled");
        }
    }

    #[test]
    fn what_one_mixture_cannot_divide_is_degenerate_here_too() {
        let degenerate = |losses: &[f32], labels: &[usize]| {
            let division = divide(losses, labels);
            assert_eq!(division.labeled.len(), losses.len());
            division.degenerate
        };
        assert_eq!(degenerate(&[], &[]), Some(Degenerate::TooFew { count: 0, needed: 6 }));
        assert_eq!(degenerate(&[1.0; 60], &[1; 60]), Some(Degenerate::AllEqual { loss: 1.0 }));
        assert!(matches!(degenerate(&[f32::NAN; 60], &[0; 60]), Some(Degenerate::NotFinite { .. })));
    }
}
