//! What a weights file holds and where, known before a number of it is read.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::OnceLock;

use super::elements::{Float, View};
use super::parsed::{Malformed, Parsed};
use super::selection::Taken;

/// A run of numbers in the file.
#[derive(Debug)]
pub(super) struct Run {
    /// Its bytes.
    pub(super) bytes: Range<usize>,
    /// What a zip archive says its bytes sum up to, and whether they do, once that was looked at.
    pub(super) checksum: Option<(u32, OnceLock<bool>)>,
}

impl Run {
    pub(super) fn new(bytes: Range<usize>, checksum: Option<u32>) -> Self {
        Self { bytes, checksum: checksum.map(|sum| (sum, OnceLock::new())) }
    }
}

/// A tensor in the file.
#[derive(Debug)]
pub(super) struct Stored {
    /// Its run's index.
    pub(super) run: usize,
    pub(super) float: Float,
    /// What it shows of the run.
    pub(super) view: View,
    /// Elements of the run from the first that it shows to the last.
    pub(super) span: Range<usize>,
}

/// The floating-point tensors of a file.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) runs: Vec<Run>,
    pub(super) tensors: BTreeMap<String, Stored>,
    /// Of what they were taken, if the file holds more than them.
    pub(super) taken: Taken,
    /// What a safetensors file says about itself.
    pub(super) metadata: HashMap<String, String>,
    /// Bytes that further tensors may take up: a file can name one run as thousands of tensors.
    left: usize,
}

impl Index {
    /// An empty index of a file of so many bytes.
    pub(super) fn new(file: usize) -> Self {
        Self {
            runs: Vec::new(),
            tensors: BTreeMap::new(),
            taken: Taken::default(),
            metadata: HashMap::new(),
            left: file,
        }
    }

    /// Adds a tensor that lies in `run`, whose bytes are in the file. Of a name that comes twice the last counts, as in Python.
    pub(super) fn add(&mut self, name: &str, run: usize, float: Float, view: View) -> Parsed<()> {
        let refused = |Malformed(reason)| Malformed::new(format!("tensor {name:?}: {reason}"));
        let span = view.within(self.runs[run].bytes.len() / float.size()).map_err(refused)?;
        let bytes = span.len().max(view.elements()) * float.size();
        let Some(left) = self.left.checked_sub(bytes) else {
            return Err(refused(Malformed::new("its tensors are larger together than the file")));
        };
        self.left = left;
        self.tensors.insert(name.to_owned(), Stored { run, float, view, span });
        Ok(())
    }
}
