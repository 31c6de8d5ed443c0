//! `effmix report`: a run's page, written anew.

use dividemix::run::RunFolder;

use crate::args::Report;
use crate::exit::Failure;
use crate::output::print;

pub(super) fn run(args: &Report) -> Result<(), Failure> {
    let (folder, _) = RunFolder::open(&args.run)?;
    if !folder.is_finished() {
        let path = folder.path().display();
        return Err(Failure::Other(format!("{path} is not finished; finish it with: effmix resume {path}")));
    }
    effmix_report::write(folder.path())?;
    print(&format!("{}\n", folder.file("report.html").display()))
}
