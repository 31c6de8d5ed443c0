//! Which samples an epoch trains a network on: all of them, or as many of each class, drawn anew.

use rand::seq::SliceRandom;

use crate::{Hyperparameters, Purpose, Stream, TrainingSet};

/// The samples that `network` is trained on in `epoch` (both from 0), ascending. They are determined by the seed, the epoch and the network
/// alone, so that a checkpoint need not keep them.
pub(crate) fn samples_of(
    data: &TrainingSet,
    hyper: &Hyperparameters,
    (epoch, network): (usize, usize),
) -> Vec<usize> {
    let n = data.labels.len();
    let count = hyper.images_an_epoch(n);
    if count == n {
        return (0..n).collect();
    }
    let stream = Stream::new(hyper.seed, Purpose::Draw).at(epoch as u64).at(network as u64);
    balanced(&data.labels, data.classes, count, stream)
}

/// `count` different samples, ascending: the same number of each class that has samples, by given labels (below `classes`).
///
/// Where `count` is no multiple of the classes, some classes give one more, drawn by chance too. A class with fewer samples gives all
/// that it has, and no other class makes up for it, as in the authors' `dataloader_clothing1M.py`: the draw is smaller then, but always of one size.
fn balanced(labels: &[usize], classes: usize, count: usize, stream: Stream) -> Vec<usize> {
    let mut members = vec![Vec::new(); classes];
    labels.iter().enumerate().for_each(|(sample, &class)| members[class].push(sample));
    members.retain(|samples| !samples.is_empty());
    let mut rng = stream.rng();
    members.shuffle(&mut rng);
    let (share, mut left_over) = (count / members.len().max(1), count % members.len().max(1));
    let mut drawn = Vec::with_capacity(count);
    for samples in &mut members {
        let one_more = usize::from(samples.len() > share && left_over > 0);
        left_over -= one_more;
        drawn.extend_from_slice(samples.partial_shuffle(&mut rng, share + one_more).0);
    }
    drawn.sort_unstable();
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of each class: two common ones, a rare one, and one that nothing is of.
    const SIZES: [usize; 4] = [500, 300, 20, 0];

    fn labels() -> Vec<usize> {
        (0..SIZES.len()).flat_map(|class| vec![class; SIZES[class]]).collect()
    }

    fn draw(count: usize, epoch: u64, network: u64) -> Vec<usize> {
        balanced(&labels(), SIZES.len(), count, Stream::new(7, Purpose::Draw).at(epoch).at(network))
    }

    fn by_class(drawn: &[usize]) -> [usize; 4] {
        let labels = labels();
        std::array::from_fn(|class| drawn.iter().filter(|&&sample| labels[sample] == class).count())
    }

    #[test]
    fn each_class_gives_as_many_and_a_rare_one_all() {
        assert_eq!(by_class(&draw(60, 0, 0)), [20, 20, 20, 0]);
        let drawn = draw(300, 0, 0);
        assert_eq!(by_class(&drawn), [100, 100, 20, 0]);
        assert!(drawn.is_sorted_by(|a, b| a < b), "no sample comes twice");
    }

    #[test]
    fn what_is_left_over_is_one_more_of_some_classes_in_turn() {
        let counts: Vec<[usize; 4]> = (0..30).map(|epoch| by_class(&draw(31, epoch, 0))).collect();
        assert!(counts.iter().all(|counts| counts.iter().sum::<usize>() == 31));
        for one_more in [[11, 10, 10, 0], [10, 11, 10, 0], [10, 10, 11, 0]] {
            assert!(counts.contains(&one_more), "{one_more:?}");
        }
        // The rare class has no more to give.
        assert_eq!(by_class(&draw(62, 0, 0)), [21, 21, 20, 0]);
        // Fewer than there are classes.
        assert_eq!(draw(2, 0, 0).len(), 2);
    }

    #[test]
    fn a_draw_is_reproducible_and_differs_by_epoch_and_network() {
        let first = draw(300, 4, 0);
        assert_eq!(draw(300, 4, 0), first);
        assert_ne!(draw(300, 5, 0), first);
        assert_ne!(draw(300, 4, 1), first);
        // In time, all are drawn.
        let mut drawn: Vec<usize> = (0..60).flat_map(|epoch| draw(300, epoch, 0)).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), 820);
    }
}
