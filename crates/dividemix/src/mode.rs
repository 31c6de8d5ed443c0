//! The kinds of forward pass.

/// How a forward pass runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics normalise. Nothing is dropped, nothing moves, and no graph is kept.
    Eval,
    /// The batch's own statistics normalise, the running statistics move, dropout acts, and a graph is kept for the gradient.
    Train {
        /// Seed of dropout and drop path: the same seed drops the same values.
        seed: u64,
    },
    /// A pass as in `Train`, but without a graph. DivideMix guesses labels in this mode with the network that it trains.
    TrainNoGrad {
        /// Seed of dropout and drop path.
        seed: u64,
    },
}

impl Mode {
    /// [`Mode::Train`] with this seed of dropout and drop path.
    pub const fn train(seed: u64) -> Self {
        Self::Train { seed }
    }

    /// [`Mode::TrainNoGrad`] with this seed of dropout and drop path.
    pub const fn train_no_grad(seed: u64) -> Self {
        Self::TrainNoGrad { seed }
    }
}

#[cfg(feature = "effnet")]
impl From<Mode> for effnet_model::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Eval => Self::Eval,
            Mode::Train { seed } => Self::Train { seed },
            Mode::TrainNoGrad { seed } => Self::TrainNoGrad { seed },
        }
    }
}
