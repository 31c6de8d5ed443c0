//! Weights in and out of files.
//!
//! A weights file is somebody else's: nothing in it is run, nothing in it is believed before it is checked, and no
//! length in it decides an allocation larger than the file. One that lies in an archive is unpacked to a temporary file first.

mod archive;
mod elements;
mod file;
mod index;
mod legacy;
mod machine;
mod parsed;
mod pickle;
mod place;
mod safetensors;
mod save;
mod state;
mod zipped;

pub use self::file::{WeightsFile, read_weights};
pub(crate) use self::place::{Place, shown};
pub use self::save::save_weights;
pub(crate) use self::save::{save_renamed, write_atomically};
