//! A model applied to features of one's own, or to those that it gave itself.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use candle_core::Tensor;
use image_folder::{Pixels, Sample};

use super::inference::OutputBatch;
use super::open::Model;
use crate::data::Table;
use crate::run::{Observer, Progress};
use crate::{Error, Result};

/// Rows in a batch.
const BATCH: usize = 1024;

/// Features of one's own, a row for each of N samples.
pub struct FeatureFile {
    table: Table,
    path: PathBuf,
    samples: Vec<Sample>,
}

impl FeatureFile {
    /// Opens a NumPy file: a matrix `[N, F]` of f32. The samples have the numbers of their rows as names, from 0.
    ///
    /// # Errors
    /// The disk's; a file that holds something else.
    pub fn open(path: &Path) -> Result<Self> {
        let table = Table::of_npy(path)?;
        let sample = |row: usize| Sample {
            path: row.to_string(),
            source: Pixels::file(PathBuf::new()),
            label: 0,
            truth: None,
        };
        let samples = (0..table.rows).map(sample).collect();
        Ok(Self { table, path: path.to_owned(), samples })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

impl Model {
    /// Puts features through the model's classifiers, and gives `take` each batch of outputs, in order. The embeddings are the features.
    /// Whole networks must have one body, and the features be that body's global features.
    ///
    /// # Errors
    /// Features of another length than the model's; [`Error::Stopped`] when the observer's flag was raised; whatever `take` returns.
    pub fn infer_features<E: From<Error>>(
        &self,
        file: &FeatureFile,
        observer: &dyn Observer,
        mut take: impl FnMut(OutputBatch<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (length, needed) = (file.table.length, self.embedding_len());
        if length != needed {
            let problem = format!("has {length} features a row, and the model takes {needed}");
            return Err(Error::Format { path: file.path.clone(), problem }.into());
        }
        for (number, samples) in file.samples.chunks(BATCH).enumerate() {
            if observer.stop().load(Ordering::Relaxed) {
                return Err(Error::Stopped.into());
            }
            let first = number * BATCH;
            let rows = first..first + samples.len();
            let features: Vec<f32> = rows.clone().flat_map(|row| file.table.row(row, 0)).collect();
            let logits = self.logits_of(&features, samples.len())?;
            let batch = OutputBatch {
                first,
                samples,
                logits,
                embeddings: features,
                images: Vec::new(),
                skipped: Vec::new(),
            };
            take(batch)?;
            observer.observe(Progress::Predicted { done: rows.end, total: file.samples.len() });
        }
        Ok(())
    }

    fn logits_of(&self, features: &[f32], rows: usize) -> Result<Vec<f32>> {
        let shape = (rows, self.embedding_len());
        let features = Tensor::from_slice(features, shape, self.device.candle())?;
        Ok(self.saved.logits_of_features(&features)?.flatten_all()?.to_vec1()?)
    }
}
