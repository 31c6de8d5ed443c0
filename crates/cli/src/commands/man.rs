//! `effmix man`: the manual pages, `effmix.1`, `effmix-train.1` and so on.

use effmix::make_empty_folder;

use crate::args::{Man, command};
use crate::failure::Failure;

pub(super) fn run(args: &Man) -> Result<(), Failure> {
    make_empty_folder(&args.folder)?;
    clap_mangen::generate_to(command(), &args.folder)
        .map_err(|error| effmix::Error::io("can't write into", &args.folder)(error).into())
}
