//! The order of samples in an epoch.

use rand::seq::SliceRandom;

use crate::Stream;

/// Sizes of the batches that `count` samples make. The last may be smaller; a last sample that is left alone joins the
/// batch before it, because batch norm has no statistics of one sample.
pub(crate) fn sizes(count: usize, size: usize) -> Vec<usize> {
    let mut sizes = vec![size; count / size];
    match count % size {
        0 => {}
        rest => match sizes.last_mut() {
            Some(last) if rest == 1 => *last += 1,
            _ => sizes.push(rest),
        },
    }
    sizes
}

/// Number of batches that `count` samples make: the length of [`sizes`], for counts whose batches are not wanted.
pub(crate) fn number(count: usize, size: usize) -> usize {
    let whole = count / size;
    match count % size {
        0 => whole,
        1 if whole > 0 => whole,
        _ => whole + 1,
    }
}

/// Samples in the first `batches` batches of `count` samples, which start over when they run out.
pub(crate) fn samples_in(batches: usize, count: usize, size: usize) -> usize {
    let round = number(count, size).max(1);
    // A round's last batch alone has another size.
    batches / round * count + batches % round * size
}

/// `samples`, shuffled and cut into batches of `size`, as [`sizes`] says.
pub(crate) fn shuffled(samples: &[usize], size: usize, stream: Stream) -> Vec<Vec<usize>> {
    let mut order = samples.to_vec();
    order.shuffle(&mut stream.rng());
    let mut rest = order.as_slice();
    let mut batch = |size: usize| {
        let (batch, left) = rest.split_at(size);
        rest = left;
        batch.to_vec()
    };
    sizes(samples.len(), size).into_iter().map(&mut batch).collect()
}

/// Batches of `samples` without end: shuffled anew each time they run out, as a data loader that is restarted.
pub(crate) fn endless(samples: Vec<usize>, size: usize, stream: Stream) -> impl Iterator<Item = Vec<usize>> {
    (0u64..).flat_map(move |round| shuffled(&samples, size, stream.at(round)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;

    fn stream() -> Stream {
        Stream::new(3, Purpose::Order)
    }

    #[test]
    fn every_sample_comes_once_an_epoch() {
        let samples: Vec<usize> = (0..130).collect();
        let batches = shuffled(&samples, 64, stream());
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [64, 64, 2]);
        let mut all = batches.concat();
        assert_ne!(all, samples);
        all.sort_unstable();
        assert_eq!(all, samples);
    }

    #[test]
    fn a_sample_left_alone_joins_the_batch_before() {
        let samples: Vec<usize> = (0..65).collect();
        assert_eq!(shuffled(&samples, 64, stream()).iter().map(Vec::len).collect::<Vec<_>>(), [65]);
        assert_eq!(shuffled(&samples[..1], 64, stream()).len(), 1);
        assert!(shuffled(&[], 64, stream()).is_empty());
    }

    #[test]
    fn batches_are_counted_as_they_are_made() {
        for (count, size) in [(0, 4), (1, 4), (4, 4), (5, 4), (6, 4), (9, 4), (130, 64), (129, 64)] {
            let made = sizes(count, size);
            assert_eq!(number(count, size), made.len(), "{count} by {size}");
            for batches in 0..2 * made.len() {
                let expected: usize = made.iter().cycle().take(batches).sum();
                assert_eq!(samples_in(batches, count, size), expected, "{batches} of {count} by {size}");
            }
        }
        assert_eq!(number(usize::MAX, 2), usize::MAX / 2, "the last one joins the batch before it");
    }

    #[test]
    fn endless_batches_start_over_in_another_order() {
        let batches: Vec<_> = endless((0..40).collect(), 40, stream()).take(2).collect();
        assert_ne!(batches[0], batches[1]);
    }
}
