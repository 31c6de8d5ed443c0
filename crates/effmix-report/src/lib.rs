#![doc = include_str!("../README.md")]
//!
//! # How it is made
//! | module | does |
//! |---|---|
//! | `run` | reads the files of a run folder, each in one pass that keeps only what is shown |
//! | `charts` | curves and histograms as SVG |
//! | `thumbnail` | an image as a small JPEG within the page |
//! | `page` | HTML around them, escaped by [maud](https://maud.lambda.xyz) |
//! | `pareto` | networks by accuracy and cost, a picture that stands alone |
//! | `heatmap` | a map laid over a picture, which stands alone |
//!
//! The one decision: the page is made from the files and the images that they name, and knows nothing of the program that wrote
//! them. So it can be made again at any time, and from the run of another trainer. How an image is decoded is the caller's affair.

mod charts;
mod error;
mod heatmap;
mod options;
mod page;
mod pareto;
mod run;
mod shown;
mod thumbnail;

pub use error::{Error, Result};
pub use heatmap::overlay_heatmap;
pub use options::Options;
pub use pareto::{Point, Series, accuracy_against_cost};
pub use shown::shown;

use run::Run;
use std::path::{Path, PathBuf};

/// Name of the page within a run folder.
pub const PAGE: &str = "report.html";

/// Reads a run folder and writes its page, `report.html`, in the folder; returns the page's path.
///
/// A page that is there already is replaced, in one move: a reader sees the old one or the new one. An image that can't be
/// decoded is no error: the page says so in its place.
///
/// # Errors
/// [`Error::NotARun`] where `run` holds no `metrics.jsonl`; [`Error::Read`] and [`Error::Content`] name the file, and the line
/// where there is one, that could not be read or understood; [`Error::Write`] where the page could not be written.
pub fn write(run: &Path, options: &Options<'_>) -> Result<PathBuf> {
    let html = page::render(&Run::read(run, options)?, options)?.into_string();
    let page = run.join(PAGE);
    replace_file::write(&page, html.as_bytes())
        .map_err(|source| Error::Write { path: page.clone(), source })?;
    Ok(page)
}
