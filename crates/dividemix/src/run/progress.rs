//! What a run tells while it works: the training's events, and what comes before and after them.

use std::path::Path;

use super::estimate::Estimate;
use crate::Event;

/// Which training of a run is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Training {
    /// The one that the run is for.
    Main,
    /// The demo's plain training, which runs after it for comparison.
    Plain,
}

/// What happens in a run, in order.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// The run has its folder.
    Started(&'a Path),
    /// What `--budget` led to, a sentence.
    Chosen(&'a str),
    /// What the run, or the rest of it, will take.
    Estimated(&'a Estimate),
    /// So many epochs were done by an earlier process, and their state was read.
    GoesOn(usize),
    /// Images were decoded.
    Read {
        /// So many.
        done: usize,
        /// Of so many.
        total: usize,
    },
    /// Images went through the frozen body.
    Features {
        /// So many.
        done: usize,
        /// Of so many.
        total: usize,
    },
    /// What is done about pretrained weights, a sentence.
    Notice(&'a str),
    /// Something the user should know about the data or the settings.
    Warning(&'a str),
    /// The loop tells something.
    Training(Training, &'a Event),
}

/// Who is told. From several threads at once while images are decoded.
pub type Observer<'a> = dyn Fn(Progress<'_>) + Sync + 'a;
