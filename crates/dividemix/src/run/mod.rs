//! A run: from settings to a folder with everything that came of it.
//!
//! | file | holds |
//! |---|---|
//! | `settings` | what a user can say: flags and TOML keys in one struct |
//! | `defaults`, `resolve` | what is done where he says nothing, and whether it can be |
//! | `data`, `pixels`, `features` | images, or features of a frozen body, as the loop's views |
//! | `weights`, `teacher` | the networks, in and out; who they learn from |
//! | `pretrained`, `hub` | which weights they start from; weights by name |
//! | `budget` | what fits into a given time |
//! | `estimate`, `room`, `disk` | what a run will take, and whether there is room for it |
//! | `execute`, `checks` | a run from start to end, and going on with one; what is looked at first |
//! | `evidence` | how many labels are wrong, or why that is not said |
//! | `record`, `trajectories`, `issues`, `summary`, `config` | what the folder holds |
//! | `images` | a run's images, found again |
//! | `folder`, `files` | that nothing of a user's is lost and no file of ours is half written |
//!
//! The decision behind it: a run folder is complete in itself. Its `config.toml` does the same again, and its
//! checkpoints go on to the same bytes.

mod budget;
mod cache;
mod checks;
mod config;
mod data;
mod defaults;
mod disk;
mod estimate;
mod evidence;
mod execute;
mod features;
mod files;
mod folder;
mod hub;
mod images;
mod issues;
mod pixels;
mod pretrained;
mod progress;
mod record;
mod resolve;
mod room;
mod settings;
mod start;
mod summary;
mod teacher;
mod trajectories;
mod weights;

pub use budget::Budget;
pub use config::{Config, Stamp};
pub use data::{Data, name_of};
pub use defaults::{Defaults, Facts, defaults_for};
pub use estimate::Estimate;
pub use execute::{Finished, resume, start};
pub use files::{AtomicFile, NpyFile, read_npy, write_atomic, write_npy};
pub use folder::RunFolder;
pub use hub::locate;
pub use images::{RunImages, trained_images};
pub use issues::{ImageSet, LabelIssue, read_issues};
pub use pixels::{PixelViews, to_tensor, transform_for};
pub use pretrained::Weights;
pub use progress::{Observer, Progress, Training};
pub use record::{Timing, read_metrics};
pub use resolve::Plan;
pub(crate) use resolve::SMALLEST_SIZE;
pub use settings::{Augment, CacheKind, Freeze, Settings, StrongView};
pub use summary::{NoiseEstimate, NoiseEstimates, SkippedFile, Summary, TestLabels};

pub use crate::memory::peak_rss_bytes;
