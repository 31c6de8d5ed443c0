//! What one network does in one epoch: a file a method. docs/methods.md tells how to add one.
//!
//! | file | holds |
//! |---|---|
//! | `plain` | cross entropy, with the entropy of the predictions where it is wanted high (`penalty`) or low (`entropy`) |
//! | `smooth`, `mixup`, `relabel`, `joint` | other labels, or other samples: all alike |
//! | `reweight`, `correction` | by what is known of the noise |
//! | `distill`, `consistency` | a term on what a teacher says |
//! | `dividemix` | Algorithm 1 |
//! | `over_all` | the epoch that all but DivideMix share |

mod consistency;
mod correction;
mod distill;
mod dividemix;
mod joint;
mod mixup;
mod over_all;
mod plain;
mod relabel;
mod reweight;
mod smooth;

use noisy_labels::division::Division;

pub(crate) use dividemix::DivideMix;
pub(crate) use plain::Plain;

use crate::pass::{Pass, ViewKind};
use crate::{Hyperparameters, Losses, Method, Result};

/// A way to spend an epoch on one network.
pub(crate) trait Recipe {
    /// Trains the pass's network once through the data; `division` is the one made for it.
    ///
    /// # Errors
    /// When training diverges, a sample can't be read, or the caller stops it.
    fn epoch(&self, pass: &mut Pass, division: Option<&Division>) -> Result<Losses>;

    /// Whether it needs the samples divided.
    fn divides(&self) -> bool {
        false
    }

    /// Whether it needs to know with which probability which class gets which label.
    fn needs_transition(&self) -> bool {
        false
    }

    /// Whether it needs each sample's predictions, averaged over the epochs so far, warm-up's too.
    fn averages_predictions(&self) -> bool {
        false
    }
}

/// The recipe of the epochs after warm-up.
pub(crate) fn recipe(hyper: &Hyperparameters) -> Box<dyn Recipe> {
    let strength = hyper.strength();
    match hyper.method {
        Method::DivideMix => Box::new(DivideMix),
        Method::Ce => Box::new(Plain::CROSS_ENTROPY),
        Method::Smooth => Box::new(smooth::Smooth { amount: strength }),
        Method::Penalty => Box::new(Plain { penalty: strength, view: ViewKind::Strong }),
        Method::Mixup => Box::new(mixup::MixedUp { alpha: strength }),
        Method::Distill => {
            Box::new(distill::Distill { share: strength, temperature: hyper.teacher_temperature })
        }
        Method::Relabel => Box::new(relabel::Relabel { amount: strength }),
        Method::Reweight => Box::new(reweight::Reweight { strength }),
        Method::Forward => Box::new(correction::Forward { strength }),
        Method::Backward => Box::new(correction::Backward { strength }),
        Method::Joint => Box::new(joint::Joint { share: strength }),
        Method::Consistency => Box::new(consistency::Consistency { weight: strength }),
        Method::Entropy => Box::new(Plain { penalty: -strength, view: ViewKind::Strong }),
    }
}

/// The recipe of warm-up: plain training (for DivideMix with the confidence penalty) where the method builds on what the network
/// knows, else the method itself.
pub(crate) fn warm_up(hyper: &Hyperparameters) -> Box<dyn Recipe> {
    match hyper.method {
        Method::DivideMix => Box::new(Plain { penalty: hyper.warmup_penalty, view: warm_up_view(hyper) }),
        Method::Relabel
        | Method::Joint
        | Method::Reweight
        | Method::Forward
        | Method::Backward
        | Method::Entropy => Box::new(Plain::CROSS_ENTROPY),
        // Consistency's teacher follows from the first step on.
        Method::Ce
        | Method::Smooth
        | Method::Penalty
        | Method::Mixup
        | Method::Distill
        | Method::Consistency => recipe(hyper),
    }
}

/// What warm-up trains on. DivideMix's is on weak views, as AugDesc-WS's (`presets.json` of github KentoNishi/Augmentation-for-LNL;
/// strong ones are a variant of theirs, SAW).
pub(crate) fn warm_up_view(hyper: &Hyperparameters) -> ViewKind {
    match hyper.method {
        Method::DivideMix => ViewKind::Weak,
        _ => ViewKind::Strong,
    }
}
