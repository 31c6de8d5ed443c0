//! CSV files with a header.

use std::path::Path;

use serde::Serialize;

use super::write_atomic;
use crate::Result;

/// Writes a CSV of these rows. Its header has the names of their fields; without rows there is no header.
///
/// # Errors
/// The disk's, naming `path`.
pub(crate) fn write_csv(path: &Path, rows: impl Iterator<Item = impl Serialize>) -> Result<()> {
    write_atomic(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        for row in rows {
            csv.serialize(row).map_err(std::io::Error::other)?;
        }
        csv.flush()
    })
}
