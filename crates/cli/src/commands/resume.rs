//! `effmix resume`: goes on with a run.

use dividemix::run;

use super::train::watched;
use crate::args::Resume;
use crate::exit::Failure;
use crate::threads::on_threads;

pub(super) fn run(args: &Resume) -> Result<(), Failure> {
    on_threads(args.threads, || {
        watched(args.json, |observe, stop| run::resume(&args.run, args.epochs, observe, stop))
    })
}
