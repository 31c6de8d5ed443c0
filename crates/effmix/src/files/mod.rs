//! Reading and writing whole files.
//!
//! | file | holds |
//! |---|---|
//! | `atomic` | files that are there complete or not at all |
//! | `npy` | tables as NumPy keeps them |
//! | `text` | text files and folders, with errors that name them |

mod atomic;
mod npy;
mod text;

pub use atomic::{AtomicFile, write_atomic};
pub use npy::{NpyFile, is_table_of, read_npy, write_npy};
pub(crate) use npy::{NpyOrder, npy_head, shape_of_npy, split_npy};
pub use text::start_of;
pub(crate) use text::{make_writable, read_to_string};
