//! `effmix completions`: what a shell completes by the Tab key.

use crate::args::{Completions, command};
use crate::failure::Failure;
use crate::output::print;

pub(super) fn run(args: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "effmix", &mut script);
    print(&String::from_utf8_lossy(&script))
}
