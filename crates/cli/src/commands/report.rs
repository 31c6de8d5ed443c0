//! `effmix report`: a run's page, written anew.

use effmix::Run;

use crate::args::Report;
use crate::failure::Failure;
use crate::output::{on_stdout, print};

pub(super) fn run(args: &Report) -> Result<(), Failure> {
    let page = Run::open(&args.run)?.write_page(args.report_images)?;
    print(&format!("{}\n", on_stdout(&page.display().to_string())))
}
