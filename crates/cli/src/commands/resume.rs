//! `effmix resume`: goes on with a run.

use effmix::Run;
use effmix::sweep::Sweep;

use super::sweep;
use super::train::watched;
use crate::args::Resume;
use crate::failure::Failure;
use crate::threads::on_threads;

pub(super) fn run(args: &Resume) -> Result<(), Failure> {
    if Sweep::is_at(&args.run) {
        return sweep::resume(args);
    }
    on_threads(args.threads, || {
        watched(args.json, |observer| Run::resume(&args.run, &args.options(), observer))
    })
}
