//! `effmix report`: a run's page, written anew.

use std::path::PathBuf;

use dividemix::run::{Config, RunFolder, RunImages};
use effmix_report::Options;

use crate::args::Report;
use crate::exit::Failure;
use crate::output::print;

pub(super) fn run(args: &Report) -> Result<(), Failure> {
    let (folder, config) = RunFolder::open(&args.run)?;
    if !folder.is_finished() {
        let path = folder.path().display();
        return Err(Failure::Other(format!("{path} is not finished; finish it with: effmix resume {path}")));
    }
    let page = write_page(&folder, &config, args.report_images)?;
    print(&format!("{}\n", page.display()))
}

/// Writes a run's page, with so many pictures at most; where nothing is said, as many as the run was told.
pub(super) fn write_page(
    folder: &RunFolder,
    config: &Config,
    images: Option<usize>,
) -> Result<PathBuf, Failure> {
    let of_run = RunImages::of(config);
    let image = |path: &str| of_run.image(path);
    let images = images.or(config.settings.report_images).unwrap_or(Options::IMAGES);
    let options = Options { images, image: &image };
    Ok(effmix_report::write(folder.path(), &options)?)
}
