//! Which samples belong together in cross-validation.

use std::collections::HashMap;

use crate::features::Features;

/// The number of features that are compared to find copies: they tell copies from other samples as well as all features do.
const COMPARED: usize = 64;

/// The first sample with the features of each sample: itself, unless it is a copy of an earlier one. Copies of one image must be
/// in one fold: each would teach the others' scores its label.
pub(crate) fn first_copies(features: &Features<'_>) -> Vec<usize> {
    let mut first: HashMap<Vec<u32>, usize> = HashMap::new();
    let mut values = vec![0.0; features.width()];
    let first_of = |sample: usize| {
        features.copy_row(sample, &mut values);
        let start: Vec<u32> = values.iter().take(COMPARED).map(|value| value.to_bits()).collect();
        *first.entry(start).or_insert(sample)
    };
    (0..features.len()).map(first_of).collect()
}

/// The fold of each sample, below `folds`. The samples of each label go to the folds in turn, beginning with another fold for
/// each label, so that each fold has its share of every label whatever the order of the samples; a copy goes to the fold of the
/// sample that it is a copy of.
pub(crate) fn stratified(
    features: &Features<'_>,
    labels: &[usize],
    classes: usize,
    folds: usize,
) -> Vec<usize> {
    let mut next: Vec<usize> = (0..classes).map(|class| class % folds).collect();
    let mut fold_of: Vec<usize> = Vec::with_capacity(labels.len());
    for (sample, first) in first_copies(features).into_iter().enumerate() {
        let fold = if first < sample {
            fold_of[first]
        } else {
            let next = &mut next[labels[sample]];
            std::mem::replace(next, (*next + 1) % folds)
        };
        fold_of.push(fold);
    }
    fold_of
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_in_the_fold_of_the_first() {
        let values = [1.0, 2.0, 1.0, 3.0, 2.0];
        let features = Features::from_slice(&values, 1).unwrap();
        assert_eq!(first_copies(&features), [0, 1, 0, 3, 1]);
        assert_eq!(stratified(&features, &[0, 0, 1, 1, 0], 2, 3), [0, 1, 0, 1, 1]);
    }

    #[test]
    fn each_fold_has_its_share_of_each_label_in_any_order() {
        let features = Features::from_fn(60, 1, |sample, row| row[0] = sample as f32);
        for labels in [(0..60).map(|i| i % 4).collect::<Vec<_>>(), (0..60).map(|i| i / 15).collect()] {
            let fold_of = stratified(&features, &labels, 4, 5);
            let count = |fold, label| {
                (0..60).filter(|&sample| fold_of[sample] == fold && labels[sample] == label).count()
            };
            assert!((0..5).all(|fold| (0..4).all(|label| count(fold, label) == 3)), "{fold_of:?}");
        }
    }
}
