//! The settings of a run.
//!
//! | file | holds |
//! |---|---|
//! | `flags`, `values`, `weights`, `budget`, `device` | what a user can set: flags and TOML keys in one struct, and the types of its values |
//! | `formats` | formats of the list of issues |
//! | `methods` | the method of a run, several of a sweep, or a user's own |
//! | `stats`, `defaults` | what is done where nothing was set, by the size and shape of the set of images |
//! | `named` | values that are one of a few names, as flags |
//! | `merge` | flags and a file of settings as one |
//! | `ranges` | which values are allowed |
//! | `resolve` | from what was set to all that a run will do |

mod budget;
mod defaults;
mod device;
mod flags;
mod formats;
mod merge;
mod methods;
#[cfg(feature = "clap")]
mod named;
mod one_or_several;
mod ranges;
mod resolve;
mod stats;
mod values;
mod weights;

pub use budget::Budget;
pub(crate) use defaults::{COLUMNS, MAX_PIXELS, SMALL_SIDE, TEST_FRACTION};
pub use defaults::{Defaults, defaults_for};
pub use device::DeviceChoice;
pub use flags::Settings;
pub(crate) use flags::unwritable;
pub use formats::IssueFormat;
pub use methods::{Methods, OwnMethod};
#[cfg(feature = "clap")]
pub use named::Named;
pub(crate) use ranges::SMALLEST_SIZE;
pub use resolve::ResolvedSettings;
pub use stats::{DatasetStats, Shape};
pub use values::{Augment, CacheKind, Freeze, StrongView};
pub use weights::Weights;
pub(crate) use weights::{OwnFeatures, WeightsSource};
