//! In which order an epoch sees the samples.

use rand::seq::SliceRandom;

use crate::Stream;

/// `samples`, shuffled and cut into batches of `size`; the last may be smaller. A last sample that is left alone joins
/// the batch before it, because batch norm knows nothing from one sample.
pub(crate) fn shuffled(samples: &[usize], size: usize, stream: Stream) -> Vec<Vec<usize>> {
    let mut order = samples.to_vec();
    order.shuffle(&mut stream.rng());
    let mut batches: Vec<Vec<usize>> = order.chunks(size).map(<[usize]>::to_vec).collect();
    if batches.len() > 1 && batches.last().is_some_and(|b| b.len() == 1) {
        let alone = batches.pop().unwrap_or_default();
        if let Some(last) = batches.last_mut() {
            last.extend(alone);
        }
    }
    batches
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
        let mut seen = batches.concat();
        assert_ne!(seen, samples);
        seen.sort_unstable();
        assert_eq!(seen, samples);
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
