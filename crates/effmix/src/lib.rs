#![doc = include_str!("../README.md")]
//!
//! # Inside
//! | module | holds |
//! |---|---|
//! | [`settings`] | what a user can set, the defaults, and what a run makes of them |
//! | `run` | a run: begun, gone on with, and its folder |
//! | `model` | a trained model, applied to images |
//! | `data` | from settings to the images of a run |
//! | `device` | what computes: the CPU, or a GPU |
//! | `weights` | the networks, and where their first weights come from |
//! | `resources` | what a run takes in time, memory and disk |
//! | [`compare`] | runs beside each other, by means over seeds |
//! | [`sweep`] | several seeds and methods in one command |
//! | [`search`] | the search for the bases of compound scaling |
//! | [`files`] | files that are there complete or not at all |
//!
//! The decision: everything between settings and files is here, so that a program, a server or a binding only parses and shows. The
//! training loop itself is [`dividemix`]'s.

pub mod compare;
mod data;
mod device;
mod error;
pub mod files;
mod model;
mod nearest;
mod resources;
mod run;
pub mod search;
pub mod settings;
pub mod sweep;
mod text;
mod weights;

pub use data::{
    Data, DecodedBatch, PixelViews, ToTensor, decode_batches, left_in_words, limits, name_of, transform_for,
};
pub use device::{ComputeDevice, DeviceMemory};
pub use effmix_report::shown;
pub use error::{Error, Result};
pub use model::{
    AveragedViews, ClassEvaluation, EVALUATION_COLUMNS, Evaluation, FeatureFile, InferenceOptions, Model,
    ModelOptions, ModelSource, NamedImages, OutputBatch, Prediction, list_images, make_empty_folder,
    ranked_classes,
};
pub use nearest::nearest;
pub use resources::{Estimate, Task, Throughput, Timetable, throughput, training_seconds};
pub use run::{
    Config, DataIssue, DataIssueKind, DuplicateCounts, ImageSet, LabelIssue, NoiseEstimate, NoiseEstimates,
    Observer, Overview, Progress, Provenance, ResumeOptions, Run, RunFolder, RunImages, RunMetadata, Silent,
    SkippedFile, Summary, TestCopy, TestLabels, TimeLeft, Timing, Training, Versions, read_issues,
    read_metrics, trained_images,
};
pub use settings::Settings;
pub use text::{human_bytes, human_duration};
pub use weights::locate;
