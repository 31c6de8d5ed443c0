//! What a run reports while it works, and the way to stop it.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use dividemix::Event;

use super::overview::Overview;
use crate::resources::Estimate;

/// The trainings of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Training {
    /// The one that the run is for.
    Main,
    /// The demo's plain training, which follows it for comparison.
    Plain,
}

/// What happens in a run, in order.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// What computes, in words.
    Device(&'a str),
    /// What the run works on, once all of it is known.
    Overview(&'a Overview<'a>),
    /// The run has its folder.
    Started(&'a Path),
    /// What `--budget` led to, a sentence.
    Chosen(&'a str),
    /// What the run, or the rest of it, will take.
    Estimated(&'a Estimate),
    /// An earlier process did this many epochs, and their state was read.
    Resumed(usize),
    /// Images were decoded.
    Read {
        /// Images so far.
        done: usize,
        /// Images in all.
        total: usize,
    },
    /// Images went through the frozen backbone.
    Features {
        /// Images so far.
        done: usize,
        /// Images in all.
        total: usize,
    },
    /// Images went through a trained model.
    Predicted {
        /// Images so far.
        done: usize,
        /// Images in all.
        total: usize,
    },
    /// What is done about pretrained weights, a sentence.
    Notice(&'a str),
    /// Something that the user should know about the data or the settings.
    Warning(&'a str),
    /// An event of the training loop.
    Training(Training, &'a Event),
}

/// Who is told of progress, from several threads at once while images are decoded, and can stop the work.
///
/// A closure is an observer that never stops the work.
pub trait Observer: Sync {
    /// Takes what happened.
    fn observe(&self, progress: Progress<'_>);

    /// The flag that ends the work soon after it is raised, with [`crate::Error::Stopped`].
    fn stop(&self) -> &AtomicBool {
        static NEVER: AtomicBool = AtomicBool::new(false);
        &NEVER
    }
}

impl<F: Fn(Progress<'_>) + Sync> Observer for F {
    fn observe(&self, progress: Progress<'_>) {
        self(progress);
    }
}

/// An observer that says nothing and never stops the work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn observe(&self, _: Progress<'_>) {}
}
