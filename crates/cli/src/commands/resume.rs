//! `effmix resume`: goes on with a run.

use effmix::Run;

use super::train::watched;
use crate::args::Resume;
use crate::failure::Failure;
use crate::threads::on_threads;

pub(super) fn run(args: &Resume) -> Result<(), Failure> {
    on_threads(args.threads, || {
        watched(args.json, |observer| Run::resume(&args.run, &args.options(), observer))
    })
}
