//! What a run will take, as it is kept in its folder.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::timetable::Timetable;
use crate::device::DeviceMemory;
use crate::files::{read_to_string, write_atomic};
use crate::{Error, Result};

/// What a run will take, all in all. How far off it was in measured runs is in
/// docs/benchmarks/notebook/2026-11-25-estimates.md.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Seconds from the start to the summary; with `--patience`, at most.
    pub seconds: f64,
    /// Of these, the seconds for what the cache keeps: another run on the same images does not need them again. They are not written.
    #[serde(skip)]
    pub cached_seconds: f64,
    /// What of it is left, part by part. It is not kept in a file.
    #[serde(skip)]
    pub timetable: Timetable,
    /// The most memory, in bytes, where the system reports a process's memory (Linux).
    pub memory_bytes: Option<u64>,
    /// Memory on the GPU, where one computes and its driver reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_memory: Option<DeviceMemory>,
    /// Bytes in the run folder, at most.
    pub run_bytes: u64,
    /// Bytes in the cache folder.
    pub cache_bytes: u64,
}

impl Estimate {
    /// Reads what [`Estimate::write`] wrote; `None` where nothing was.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let wrong = |e: serde_json::Error| Error::Format { path: path.to_owned(), problem: e.to_string() };
        serde_json::from_str(&read_to_string(path)?).map(Some).map_err(wrong)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        write_atomic(path, |out| {
            serde_json::to_writer_pretty(&mut *out, self)?;
            out.write_all(b"\n")
        })
    }
}
