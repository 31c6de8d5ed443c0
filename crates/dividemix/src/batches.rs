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
    fn endless_batches_start_over_in_another_order() {
        let batches: Vec<_> = endless((0..40).collect(), 40, stream()).take(2).collect();
        assert_ne!(batches[0], batches[1]);
    }
}
