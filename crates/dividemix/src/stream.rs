//! Random streams, keyed by their purpose: the source of all chance.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The purpose of a stream; streams of different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// First weights of a network.
    Initialise = 1,
    /// Order of the samples in an epoch.
    Order = 2,
    /// Augmentation of a sample's view.
    Augment = 3,
    /// MixMatch: lambda and the permutation.
    Mix = 4,
    /// Dropout and drop path in a forward pass.
    Forward = 5,
    /// Which samples an epoch trains on, where it is not all.
    Draw = 6,
}

/// A counter-based random stream: a key made from a seed, a purpose and any number of counters.
///
/// Two streams with the same key give the same numbers, wherever and whenever they are drawn. So nothing depends on
/// the order in which threads come to it, and there is no generator whose state a checkpoint would have to keep.
///
/// ```
/// use dividemix::{Purpose, Stream};
/// let epoch = Stream::new(7, Purpose::Augment).at(3);
/// assert_eq!(epoch.at(41).key(), Stream::new(7, Purpose::Augment).at(3).at(41).key());
/// assert_ne!(epoch.at(41).key(), epoch.at(42).key());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream(u64);

impl Stream {
    /// The stream of `seed` for `purpose`.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        Self(splitmix64(seed)).at(purpose as u64)
    }

    /// The stream below this one at `counter`: an epoch, a network, a sample.
    #[must_use]
    pub fn at(self, counter: u64) -> Self {
        Self(splitmix64(self.0 ^ splitmix64(counter)))
    }

    /// The stream's key, to hand to a function that takes a seed.
    pub fn key(self) -> u64 {
        self.0
    }

    /// A generator for the stream's numbers.
    pub fn rng(self) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(self.0)
    }
}

/// SplitMix64's step (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): a bijection of 64
/// bits in which every input bit moves every output bit.
pub(crate) fn splitmix64(x: u64) -> u64 {
    let z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_of_neighbouring_counters_and_purposes_do_not_meet() {
        let mut keys = HashSet::new();
        for purpose in [Purpose::Order, Purpose::Augment, Purpose::Mix] {
            for epoch in 0..20 {
                for sample in 0..200 {
                    assert!(keys.insert(Stream::new(1, purpose).at(epoch).at(sample).key()));
                }
            }
        }
    }

    #[test]
    fn counters_do_not_commute() {
        let stream = Stream::new(1, Purpose::Order);
        assert_ne!(stream.at(1).at(2).key(), stream.at(2).at(1).key());
    }
}
