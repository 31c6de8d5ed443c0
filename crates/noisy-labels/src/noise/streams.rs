//! Random numbers by sample: the numbers drawn for one sample depend on no other sample.

use rand::{Rng, RngCore, SeedableRng};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};

/// Random generators keyed by a number. One draw from the caller's generator determines all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams(u64);

impl Streams {
    pub(super) fn new<R: Rng + ?Sized>(rng: &mut R) -> Self {
        Self(rng.next_u64())
    }

    /// The generator of a sample or of a class.
    pub(super) fn at(self, number: usize) -> Xoshiro256PlusPlus {
        let mixed = SplitMix64::seed_from_u64(number as u64).next_u64();
        Xoshiro256PlusPlus::seed_from_u64(self.0 ^ mixed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_samples_have_unlike_numbers() {
        let streams = Streams::new(&mut SplitMix64::seed_from_u64(1));
        let mut firsts: Vec<u64> = (0..10_000).map(|sample| streams.at(sample).next_u64()).collect();
        assert_eq!(firsts[7], streams.at(7).next_u64());
        // Half of the bits of two neighbours differ: 32 +- 4 of 64, so 4 standard deviations of the mean are 0.16.
        let unlike: u32 = firsts.windows(2).map(|pair| (pair[0] ^ pair[1]).count_ones()).sum();
        assert!((f64::from(unlike) / 9_999.0 - 32.0).abs() < 0.16, "{unlike}");
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), 10_000);
    }
}
