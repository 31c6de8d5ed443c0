//! `metrics.jsonl`: a line an epoch and network.

use super::open;
use crate::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::path::Path;

/// One network after one epoch. What does not apply, or is not finite, is `None`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct EpochRecord {
    pub(crate) epoch: u32,
    pub(crate) network: u32,
    #[serde(default)]
    pub(crate) phase: String,
    pub(crate) loss_x: Option<f64>,
    pub(crate) loss_u: Option<f64>,
    pub(crate) loss_reg: Option<f64>,
    pub(crate) clean_fraction: Option<f64>,
    pub(crate) test_accuracy: Option<f64>,
    pub(crate) clean_auc: Option<f64>,
}

/// All epochs of a run.
#[derive(Debug)]
pub(crate) struct Metrics {
    records: Vec<EpochRecord>,
}

impl Metrics {
    /// Numbers of the networks, ascending.
    pub(crate) fn networks(&self) -> BTreeSet<u32> {
        self.records.iter().map(|record| record.network).collect()
    }

    /// One number of one network by epoch, where it is known and finite.
    pub(crate) fn curve(&self, network: u32, value: fn(&EpochRecord) -> Option<f64>) -> Vec<(u32, f64)> {
        let records = self.records.iter().filter(|record| record.network == network);
        records.filter_map(|r| Some((r.epoch, value(r).filter(|v| v.is_finite())?))).collect()
    }

    pub(crate) fn last_epoch(&self) -> u32 {
        self.records.iter().map(|record| record.epoch).max().unwrap_or(0)
    }

    pub(crate) fn first_epoch(&self) -> u32 {
        self.records.iter().map(|record| record.epoch).min().unwrap_or(0)
    }

    /// The epochs in which another phase begins than ran before.
    pub(crate) fn phase_changes(&self) -> Vec<u32> {
        let changed = self.records.windows(2).filter(|pair| pair[0].phase != pair[1].phase);
        changed.map(|pair| pair[1].epoch).collect()
    }
}

/// `None` where there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Metrics>> {
    let Some(file) = open(path)? else { return Ok(None) };
    let mut records = Vec::new();
    for (number, line) in (1..).zip(file.lines()) {
        let line = line.map_err(Error::read(path))?;
        if !line.trim().is_empty() {
            records.push(serde_json::from_str(&line).map_err(|e| Error::content(path, Some(number), e))?);
        }
    }
    Ok(Some(Metrics { records }))
}
