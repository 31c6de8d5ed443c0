//! The networks of a run, and where their first weights come from.
//!
//! | file | holds |
//! |---|---|
//! | `hub` | weights by name |
//! | `open` | files of weights, by a path or a name |
//! | `pretrained` | which weights a run starts from |
//! | `networks` | the networks: made, started from weights, saved |

mod hub;
mod networks;
mod open;
mod pretrained;

pub(crate) use hub::lasting;
pub use hub::locate;
pub(crate) use networks::{FrozenBody, Networks, build, throwaway};
pub(crate) use open::{content_hash, hash_of_all, hash_of_files, model_folder, open_weights};
pub(crate) use pretrained::{fetched, with_weights};
