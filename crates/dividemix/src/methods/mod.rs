//! The methods: a file for each, with all of its facts. docs/methods.md tells how to add one.
//!
//! | file | holds |
//! |---|---|
//! | `plain` | cross entropy, with the entropy of the predictions where it is wanted high (`penalty`) or low (`entropy`) |
//! | `smooth`, `mixup`, `relabel`, `joint` | other labels, or other samples: all alike |
//! | `reweight`, `correction` | corrections by the estimated noise |
//! | `distill`, `consistency` | a term on a teacher's predictions |
//! | `dividemix` | Algorithm 1 |

mod consistency;
mod correction;
mod distill;
mod dividemix;
mod joint;
mod mixup;
mod plain;
mod relabel;
mod reweight;
mod smooth;

use std::sync::Arc;

pub(crate) use dividemix::DivideMix;

use crate::{Method, MethodKind};

impl MethodKind {
    /// The method that has this name in settings.
    pub fn method(self) -> Arc<dyn Method> {
        match self {
            Self::DivideMix => Arc::new(DivideMix),
            Self::Ce => Arc::new(plain::CrossEntropy),
            Self::Smooth => Arc::new(smooth::Smooth),
            Self::Penalty => Arc::new(plain::ConfidencePenalty),
            Self::Mixup => Arc::new(mixup::Mixup),
            Self::Distill => Arc::new(distill::Distill),
            Self::Relabel => Arc::new(relabel::Relabel),
            Self::Joint => Arc::new(joint::Joint),
            Self::Reweight => Arc::new(reweight::Reweight),
            Self::Forward => Arc::new(correction::Correction::Forward),
            Self::Backward => Arc::new(correction::Correction::Backward),
            Self::Consistency => Arc::new(consistency::Consistency),
            Self::Entropy => Arc::new(plain::EntropyMinimisation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_has_the_name_that_settings_have() {
        for &kind in MethodKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.method().name());
        }
    }
}
