//! `metrics.jsonl`: a line an epoch and network.

use super::open;
use crate::{Error, Result};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::io::BufRead;
use std::path::Path;

/// One network after one epoch. What does not apply, or is not finite, is `None`.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Line")]
pub(crate) struct EpochRecord {
    pub(crate) epoch: u32,
    pub(crate) network: u32,
    pub(crate) phase: String,
    pub(crate) loss_x: Option<f64>,
    pub(crate) loss_u: Option<f64>,
    pub(crate) loss_reg: Option<f64>,
    pub(crate) clean_fraction: Option<f64>,
    pub(crate) test_accuracy: Option<f64>,
    pub(crate) clean_auc: Option<f64>,
    pub(crate) division_auc: Option<f64>,
}

/// A line as it is written. Lines of older versions have no `division_auc`, and give the division's AUC the name `clean_auc`.
#[derive(Deserialize)]
struct Line {
    epoch: u32,
    network: u32,
    #[serde(default)]
    phase: String,
    loss_x: Option<f64>,
    loss_u: Option<f64>,
    loss_reg: Option<f64>,
    clean_fraction: Option<f64>,
    test_accuracy: Option<f64>,
    clean_auc: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    division_auc: Option<Option<f64>>,
}

/// A value whose key is there, null or not.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl From<Line> for EpochRecord {
    fn from(line: Line) -> Self {
        let (clean_auc, division_auc) = match line.division_auc {
            Some(division_auc) => (line.clean_auc, division_auc),
            None => (None, line.clean_auc),
        };
        let Line { epoch, network, phase, loss_x, loss_u, loss_reg, clean_fraction, test_accuracy, .. } =
            line;
        Self {
            epoch,
            network,
            phase,
            loss_x,
            loss_u,
            loss_reg,
            clean_fraction,
            test_accuracy,
            clean_auc,
            division_auc,
        }
    }
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
