//! A run: from settings to a folder with everything that came of it.
//!
//! | file | holds |
//! |---|---|
//! | `new`, `resume`, `execute`, `handle` | a run begun, gone on with, at work, and finished |
//! | `checks`, `class_names` | what is checked before a run takes its time; names of classes in its messages |
//! | `bound` | the settings that a checkpoint holds a run to |
//! | `progress`, `overview`, `time_left` | what a run reports, and how it is stopped; what it works on; how long it still takes |
//! | `start_from` | the findings of another run, to start from |
//! | `evidence`, `findings` | how many labels are wrong and which, or why that is withheld |
//! | `config`, `toml_error`, `record`, `epoch_files`, `trajectories`, `division`, `issue`, `data_issues`, `summary`, `skipped`, `test_copy`, `page` | what the folder holds |
//! | `formats` | the list of issues as files for other programs |
//! | `provenance` | what a run was made from |
//! | `matrices` | matrices by pairs of classes, too large for the summary where there are many classes |
//! | `images` | a run's images, found again |
//! | `folder` | the folder, and that nothing of a user's in it is lost |
//!
//! The decision: a run folder is complete in itself. Its `config.toml` does the same again, and its checkpoints go on to the same
//! bytes.

mod bound;
mod checks;
mod class_names;
mod config;
mod data_issues;
mod division;
mod epoch_files;
mod evidence;
mod execute;
mod findings;
mod folder;
mod formats;
mod handle;
mod images;
mod issue;
mod matrices;
mod new;
mod overview;
mod page;
mod progress;
mod provenance;
mod record;
mod resume;
mod skipped;
mod start_from;
mod summary;
mod test_copy;
mod time_left;
mod toml_error;
mod trajectories;

pub(crate) use checks::inputs_stay;
pub use config::{Config, RunMetadata};
pub use data_issues::{DataIssue, DataIssueKind, DuplicateCounts};
pub use folder::RunFolder;
pub(crate) use folder::SWEEP;
pub use handle::Run;
pub use images::{RunImages, trained_images};
pub(crate) use issue::training_rows;
pub use issue::{ImageSet, LabelIssue, read_issues};
pub(crate) use matrices::{for_summary, matrix_bytes};
pub(crate) use new::{Prepared, with_lasting_names};
pub use overview::Overview;
pub use progress::{Observer, Progress, Silent, Training};
pub(crate) use provenance::FOLDERS;
pub use provenance::{Provenance, Versions};
pub use record::{Timing, read_metrics};
pub use resume::ResumeOptions;
pub use skipped::SkippedFile;
pub use summary::{NoiseEstimate, NoiseEstimates, Summary, TestLabels};
pub use test_copy::TestCopy;
pub use time_left::TimeLeft;
