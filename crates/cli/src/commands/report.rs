//! `effmix report`: a run's page, written anew.

use effmix::{Run, RunFolder, RunImages};

use crate::args::Report;
use crate::failure::Failure;
use crate::output::{on_stdout, print, tell};

pub(super) fn run(args: &Report) -> Result<(), Failure> {
    let run = Run::open(&args.run)?;
    let (_, config) = RunFolder::open(run.path())?;
    if let Some(problem) = RunImages::of(&config).problem() {
        tell(&format!("warning: the page has no pictures: {problem}"));
    }
    let page = run.write_page(args.report_images)?;
    print(&format!("{}\n", on_stdout(&page.display().to_string())))
}
