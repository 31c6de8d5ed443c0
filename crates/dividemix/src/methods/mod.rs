//! What one network does in one epoch: a file a method.

mod dividemix;
mod plain;

pub(crate) use dividemix::DivideMix;
use noisy_labels::division::Division;
pub(crate) use plain::Plain;

use crate::pass::Pass;
use crate::{Hyperparameters, Losses, Method, Result};

/// A way to spend an epoch on one network.
pub(crate) trait Recipe {
    /// Trains the pass's network once through the data; `division` is the one made for it.
    ///
    /// # Errors
    /// When training diverges, a sample can't be read, or the caller stops it.
    fn epoch(&self, pass: &mut Pass, division: Option<&Division>) -> Result<Losses>;

    /// Whether it needs the samples divided.
    fn divides(&self) -> bool;
}

/// The recipe for `method`.
pub(crate) fn recipe(method: Method) -> Box<dyn Recipe> {
    match method {
        Method::DivideMix => Box::new(DivideMix),
        Method::Ce => Box::new(Plain { penalty: 0.0 }),
    }
}

/// The recipe of warm-up: plain training, for DivideMix with the confidence penalty.
pub(crate) fn warm_up(hyper: &Hyperparameters) -> Plain {
    match hyper.method {
        Method::DivideMix => Plain { penalty: hyper.warmup_penalty },
        Method::Ce => Plain { penalty: 0.0 },
    }
}
