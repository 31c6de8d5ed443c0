//! What a forward pass is for.

use candle_core::Tensor;

/// How a forward pass runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics normalise; nothing is dropped and nothing moves. The parameters are used detached, so no
    /// graph is kept.
    Eval,
    /// The batch's own statistics normalise, the running ones move, dropout and drop path act by `seed`, and the
    /// graph is kept for a gradient.
    Train {
        /// Decides what is dropped: the same seed drops the same.
        seed: u64,
    },
    /// As `Train`, without a graph: the passes of DivideMix which guess labels, where the network that is trained
    /// stays in training mode.
    TrainNoGrad {
        /// Decides what is dropped.
        seed: u64,
    },
}

/// Where chance acts in a forward pass; each place draws from a stream of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Chance {
    /// Drop path of the block of this index.
    DropPath(usize),
    /// Dropout before the classifier.
    Dropout,
}

impl Mode {
    /// [`Mode::Train`], in which this seed decides what is dropped.
    pub const fn train(seed: u64) -> Self {
        Self::Train { seed }
    }

    /// [`Mode::TrainNoGrad`], in which this seed decides what is dropped.
    pub const fn train_no_grad(seed: u64) -> Self {
        Self::TrainNoGrad { seed }
    }

    /// The seed for one place, in the training modes.
    pub(crate) fn seed(self, place: Chance) -> Option<u64> {
        let (Self::Train { seed } | Self::TrainNoGrad { seed }) = self else { return None };
        let place = match place {
            Chance::Dropout => 0,
            Chance::DropPath(block) => 1 + block as u64,
        };
        Some(splitmix64(splitmix64(seed).wrapping_add(place)))
    }

    /// The parameter as this mode uses it: itself where a gradient is wanted, else cut off from the graph.
    pub(crate) fn parameter(self, parameter: &Tensor) -> Tensor {
        match self {
            Self::Train { .. } => parameter.clone(),
            Self::Eval | Self::TrainNoGrad { .. } => parameter.detach(),
        }
    }
}

/// SplitMix64's step (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): a bijection of 64
/// bits in which every input bit moves every output bit. Makes keys of random streams from counters.
pub fn splitmix64(x: u64) -> u64 {
    let z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_and_each_seed_has_its_own_stream() {
        let mut seen = std::collections::HashSet::new();
        for seed in 0..20 {
            let mode = Mode::Train { seed };
            assert!(seen.insert(mode.seed(Chance::Dropout)));
            for block in 0..20 {
                assert!(seen.insert(mode.seed(Chance::DropPath(block))));
            }
        }
        assert_eq!(Mode::Eval.seed(Chance::Dropout), None);
        assert_eq!(
            Mode::Train { seed: 3 }.seed(Chance::Dropout),
            Mode::TrainNoGrad { seed: 3 }.seed(Chance::Dropout)
        );
    }
}
