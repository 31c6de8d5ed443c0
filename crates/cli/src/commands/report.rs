//! `effmix report`: a run's page, written anew.

use effmix::Run;

use crate::args::Report;
use crate::failure::Failure;
use crate::output::print;

pub(super) fn run(args: &Report) -> Result<(), Failure> {
    let page = Run::open(&args.run)?.write_page(args.report_images)?;
    print(&format!("{}\n", page.display()))
}
