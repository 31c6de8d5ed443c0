//! `metrics.jsonl` and `timing.jsonl`: a line an epoch, appended as epochs end.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use dividemix::EpochRecord;

use crate::files::{read_to_string, write_atomic};
use crate::{Error, Result};

/// A line of `timing.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Seconds that it took, evaluation included.
    pub seconds: f64,
    /// Views trained on a second.
    pub train_images_per_s: f64,
}

/// A file of JSON lines that grows with the epochs.
pub(crate) struct Lines {
    path: PathBuf,
}

/// What every line of ours begins with.
#[derive(Deserialize)]
struct OfEpoch {
    epoch: usize,
}

impl Lines {
    /// The file with its lines up to `epoch`; later ones, and a last one that was cut off, are of an interrupted
    /// epoch that is done again.
    pub(crate) fn up_to(path: PathBuf, epoch: usize) -> Result<Self> {
        if path.is_file() {
            let text = read_to_string(&path)?;
            let kept =
                |line: &&str| serde_json::from_str::<OfEpoch>(line).is_ok_and(|line| line.epoch <= epoch);
            let lines: String = text.lines().take_while(kept).flat_map(|line| [line, "\n"]).collect();
            if lines != text {
                write_atomic(&path, |out| out.write_all(lines.as_bytes()))?;
            }
        }
        Ok(Self { path })
    }

    /// Adds lines, in one write that is on the disk when this returns.
    pub(crate) fn add<T: Serialize>(&self, lines: &[T]) -> Result<()> {
        let append = || -> std::io::Result<()> {
            let mut text = Vec::new();
            for line in lines {
                serde_json::to_writer(&mut text, line)?;
                text.push(b'\n');
            }
            let mut file = File::options().create(true).append(true).open(&self.path)?;
            file.write_all(&text)?;
            file.sync_data()
        };
        append().map_err(Error::io("can't write", &self.path))
    }
}

/// All lines of a `metrics.jsonl`.
///
/// # Errors
/// The disk's, or a line that is none of ours.
pub fn read_metrics(path: &Path) -> Result<Vec<EpochRecord>> {
    read_lines(path)
}

/// Time and speed of all epochs, over all the processes that worked on a run.
pub(crate) fn read_timing(path: &Path) -> Result<Vec<Timing>> {
    if fs::exists(path).map_err(Error::io("can't read", path))? { read_lines(path) } else { Ok(Vec::new()) }
}

fn read_lines<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Vec<T>> {
    let text = read_to_string(path)?;
    let parse = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|e| Error::Format {
            path: path.to_owned(),
            problem: format!("line {}: {e}", number + 1),
        })
    };
    text.lines().enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(epoch: usize) -> Timing {
        Timing { epoch, seconds: 0.5, train_images_per_s: 10.0 }
    }

    #[test]
    fn lines_after_the_checkpoint_and_a_line_cut_off_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timing.jsonl");
        let lines = Lines::up_to(path.clone(), 0).unwrap();
        (1..=3).for_each(|epoch| lines.add(&[timing(epoch)]).unwrap());
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}{{\"epoch\": 2, \"sec")).unwrap();
        Lines::up_to(path.clone(), 3).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        Lines::up_to(path.clone(), 2).unwrap();
        assert_eq!(read_timing(&path).unwrap(), [timing(1), timing(2)]);
    }
}
