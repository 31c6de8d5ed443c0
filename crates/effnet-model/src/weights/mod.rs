//! Weights in and out of files.
//!
//! A weights file is somebody else's: nothing in it is run, nothing in it is believed before it is checked, and no
//! length in it decides an allocation larger than the file. One that lies in an archive is unpacked to a temporary file first.
//!
//! | file | holds |
//! |---|---|
//! | `file`, `index`, `elements`, `place` | an opened file, what it holds and where, numbers from bytes, the file's name in errors |
//! | `archive`, `zipped`, `legacy`, `safetensors` | the formats |
//! | `machine`, `atoms`, `operands`, `calls`, `pickle` | pickles: instructions, their operands, calls, and the values that are made |
//! | `search`, `selection`, `state` | the dictionaries in a pickle, the one that is taken, and its tensors |
//! | `foreign` | files that are no weights, named as what they are |
//! | `save` | writing |

mod archive;
mod atoms;
mod calls;
mod elements;
mod file;
mod foreign;
mod index;
mod legacy;
mod machine;
mod operands;
mod parsed;
mod pickle;
mod place;
mod safetensors;
mod save;
mod search;
mod selection;
mod state;
mod zipped;

pub use self::file::{WeightsFile, read_weights};
pub(crate) use self::place::{Place, shown};
pub use self::save::save_weights;
pub(crate) use self::save::{save_renamed, write_atomically};
